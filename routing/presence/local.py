"""Presence in memory, for a single node."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from routing.presence.interface import PresenceHealth


class LocalPresence:
    """The Presence of a node that has no others beside it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._present: frozenset[str] = frozenset()
        self._callbacks: list[Callable[[], None]] = []
        self._began = time.monotonic()

    def announce(self, kf_account: str, wait_s: float = 0.0) -> None:
        self._become(lambda present: present | {kf_account})

    def withdraw(self, kf_account: str) -> None:
        self._become(lambda present: present - {kf_account})

    def present(self) -> frozenset[str]:
        return self._present

    def health(self) -> PresenceHealth:
        seen = len(self._present)
        since_s = time.monotonic() - self._began
        return PresenceHealth("local", since_s, announced=seen, present=seen)

    def on_change(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    def close(self) -> None:
        self._become(lambda present: frozenset())

    def _become(self, change: Callable[[frozenset[str]], frozenset[str]]) -> None:
        with self._lock:
            before, self._present = self._present, change(self._present)
            changed = before != self._present
        for callback in self._callbacks if changed else ():
            callback()
