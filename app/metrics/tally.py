"""What this node counts between two flushes: an addition in memory, nothing on the way of a push."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from typing import Final

from app.metrics.series import MINUTE_MS

WAITED_MS: Final = "first_reply_ms"
"""Sum of what customers waited for their first answer; ``answered`` of them."""

ERROR: Final = "error:"


class Tally:
    """Counts by official account, minute and name; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: defaultdict[str, Counter[tuple[int, str]]] = defaultdict(Counter)

    def count(self, appid: str, name: str, number: int = 1, at_ms: int | None = None) -> None:
        """``number`` more of ``name`` in the minute of ``at_ms`` (now)."""
        moment = int(time.time() * 1000) if at_ms is None else at_ms
        with self._lock:
            self._counts[appid][moment // MINUTE_MS, name] += number

    def error(self, appid: str, errcode: int) -> None:
        """The platform refused a message."""
        self.count(appid, f"{ERROR}{errcode}")

    def answered(self, appid: str, created_ms: int, first_reply_ms: int) -> None:
        """A conversation had its first answer; it counts in the minute of the answer."""
        self.count(appid, "answered", 1, first_reply_ms)
        self.count(appid, WAITED_MS, max(0, first_reply_ms - created_ms), first_reply_ms)

    def take(self, appid: str) -> Counter[tuple[int, str]]:
        """What was counted since the last call."""
        with self._lock:
            return self._counts.pop(appid, Counter())

    def give_back(self, appid: str, counts: Counter[tuple[int, str]]) -> None:
        """It could not be stored: it is added to what comes next."""
        with self._lock:
            self._counts[appid].update(counts)


TALLY: Final = Tally()
