"""The simulator's clock: real time plus an offset that tests move."""

from __future__ import annotations

import time


class VirtualClock:
    """CreateTime, windows and expiries read this; URL timestamps stay on real time."""

    def __init__(self, offset_ms: int = 0) -> None:
        self.offset_ms = offset_ms

    def now_ms(self) -> int:
        """Milliseconds since the epoch, moved by the offset."""
        return int(time.time() * 1000) + self.offset_ms

    def now_s(self) -> int:
        """Whole seconds since the epoch, moved by the offset."""
        return self.now_ms() // 1000

    def advance(self, milliseconds: int) -> None:
        """Move forward, or back where negative."""
        self.offset_ms += milliseconds

    def set_ms(self, moment_ms: int) -> None:
        """Make now equal to ``moment_ms``; the clock runs on from there."""
        self.offset_ms = moment_ms - int(time.time() * 1000)
