"""The platform's daily quota of ``custom/send``: used up for one official account, until its next day.

Its day is Beijing's (wechat-platform 9). All nodes share what one of them was told.
"""

from __future__ import annotations

from typing import Final

import redis

from sessions.store.clients import as_ms, ask_time
from sessions.store.keys import Keys
from sessions.store.scripts import guarded

QUOTA_SPENT: Final = 45009
DAY_MS: Final = 86_400_000
BEIJING_MS: Final = 8 * 3_600_000
"""How far its clocks are ahead of UTC; there is no summer time."""


def next_day_ms(now_ms: int) -> int:
    """The coming midnight in Beijing."""
    return ((now_ms + BEIJING_MS) // DAY_MS + 1) * DAY_MS - BEIJING_MS


class SendQuota:
    """Raises StoreDown, StoreRefused."""

    def __init__(self, client: redis.Redis, appid: str) -> None:
        self._redis = client
        self._key = Keys(appid).of("send_quota")

    def spent(self) -> bool:
        """The platform said so; True for the first who tells."""
        ends_ms = next_day_ms(as_ms(guarded(lambda: ask_time(self._redis, self._key))))
        return bool(guarded(lambda: self._redis.set(self._key, QUOTA_SPENT, nx=True, pxat=ends_ms)))

    def is_spent(self) -> bool:
        return bool(guarded(lambda: self._redis.exists(self._key)))

    def back(self) -> None:
        """The platform takes messages again before its day is over (the quota was reset)."""
        guarded(lambda: self._redis.delete(self._key))
