"""Holds automatic messages back while the day's quota of sends is used up: what is left is for people."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Final

import structlog

from app.delivery.quota import QUOTA_SPENT, SendQuota
from app.wechat.api import PlatformRefused
from sessions.model import SessionError

LOOK_S: Final = 5.0
"""How late a node may hear what another one was told."""

log = structlog.get_logger()


class QuotaHold:
    """What this node knows of one official account's quota. Never raises of its own."""

    def __init__(self, quota: SendQuota, appid: str) -> None:
        self._quota = quota
        self._appid = appid
        self._spent = False
        self._looked_at = float("-inf")

    def is_on(self) -> bool:
        """Whether automatic messages are to be held back."""
        if time.monotonic() - self._looked_at > LOOK_S:
            self._ask(self._look)
        return self._spent

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Around a send: learns from the platform's answer."""
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
