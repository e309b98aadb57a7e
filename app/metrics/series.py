"""Figures of an official account by the minute, for one day: counted in memory, added up here.

One hash for each minute; every node adds what it counted itself, so that the sums hold for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import redis

from sessions.store.keys import Keys
from sessions.store.scripts import guarded

MINUTE_MS: Final = 60_000
KEPT_MINUTES: Final = 1_440
KEPT_S: Final = (KEPT_MINUTES + 10) * 60

Counts = Mapping[tuple[int, str], int]
"""By (minute since the epoch, name of the figure)."""


class Series:
    """Reads and writes the minutes of one official account. Raises StoreDown."""

    def __init__(self, client: redis.Redis, appid: str) -> None:
        self._redis = client
        self._keys = Keys(appid)

    def add(self, counts: Counts, gauges: Mapping[str, int], now_ms: int) -> None:
        """Adds ``counts``; ``gauges`` are how things stand in the minute of ``now_ms``."""
        newest = now_ms // MINUTE_MS
        fresh = {at: n for at, n in counts.items() if newest - at[0] < KEPT_MINUTES}

        def write() -> None:
            pipe = self._redis.pipeline(transaction=True)
            for (minute, name), number in fresh.items():
                pipe.hincrby(self._key(minute), name, number)
            for name, value in gauges.items():
                pipe.hset(self._key(newest), name, str(value))
            for minute in {minute for minute, _ in fresh} | {newest}:
                pipe.expire(self._key(minute), KEPT_S)
            pipe.execute()

        guarded(write)

    def read(self, first: int, count: int) -> list[dict[str, int]]:
        """``count`` minutes from ``first`` on; a minute in which nothing was noted is empty."""

        def fetch() -> list[dict[str, str]]:
            pipe = self._redis.pipeline(transaction=False)
            for minute in range(first, first + count):
                pipe.hgetall(self._key(minute))
            return list(pipe.execute())

        return [{name: int(n) for name, n in raw.items()} for raw in guarded(fetch)]

    def _key(self, minute: int) -> str:
        return self._keys.of("series", str(minute))
