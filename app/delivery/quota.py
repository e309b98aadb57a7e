"""The platform's daily quota of ``custom/send``: automatic messages wait for its end once it is used up.

The platform's day is Beijing's. All nodes share what one of them learned; what is left of a quota is for
people.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Final

import redis
import structlog

from app.wechat.api import PlatformRefused
from sessions.model import SessionError
from sessions.store.clients import as_ms, ask_time
from sessions.store.keys import Keys
from sessions.store.scripts import guarded

QUOTA_SPENT: Final = 45009
DAY_MS: Final = 86_400_000
BEIJING_MS: Final = 8 * 3_600_000
"""Milliseconds by which Beijing's clocks are ahead of UTC; there is no summer time."""


def next_day_ms(now_ms: int) -> int:
    """Return the coming midnight in Beijing, ms."""
    return ((now_ms + BEIJING_MS) // DAY_MS + 1) * DAY_MS - BEIJING_MS


class SendQuota:
    """Whether an official account's quota is used up, in Redis. Raises StoreDown, StoreRefused."""

    def __init__(self, client: redis.Redis, appid: str) -> None:
        self._redis = client
        self._key = Keys(appid).of("send_quota")

    def spent(self) -> bool:
        """Store that the quota is used up until the next day. Returns True for the first caller."""
        ends_ms = next_day_ms(as_ms(guarded(lambda: ask_time(self._redis, self._key))))
        return bool(guarded(lambda: self._redis.set(self._key, QUOTA_SPENT, nx=True, pxat=ends_ms)))

    def is_spent(self) -> bool:
        return bool(guarded(lambda: self._redis.exists(self._key)))

    def back(self) -> None:
        """Store that the platform takes messages again, as its quota was reset before the day's end."""
        guarded(lambda: self._redis.delete(self._key))


LOOK_S: Final = 5.0
"""Seconds until a node learns what another node stored."""

log = structlog.get_logger()


class QuotaHold:
    """This node's knowledge of one official account's quota. It raises nothing of its own."""

    def __init__(self, quota: SendQuota, appid: str) -> None:
        self._quota = quota
        self._appid = appid
        self._spent = False
        self._looked_at = float("-inf")

    def is_on(self) -> bool:
        """Return whether automatic messages are held back."""
        if time.monotonic() - self._looked_at > LOOK_S:
            self._ask(self._look)
        return self._spent

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Learn from the platform's answer to the send inside."""
        try:
            yield
        except PlatformRefused as refused:
            if refused.errcode == QUOTA_SPENT:
                self._ask(self._begin)
            raise
        if self._spent:
            self._ask(self._end)

    def _look(self) -> None:
        self._looked_at = time.monotonic()
        self._spent = self._quota.is_spent()

    def _begin(self) -> None:
        self._spent, self._looked_at = True, time.monotonic()
        if self._quota.spent():
            log.warning("send_quota_spent", appid=self._appid, errcode=QUOTA_SPENT)

    def _end(self) -> None:
        self._spent = False
        self._quota.back()
        log.info("send_quota_back", appid=self._appid)

    def _ask(self, act: Callable[[], None]) -> None:
        try:
            act()
        except SessionError as error:
            log.warning("send_quota_unknown", appid=self._appid, error=str(error))
