"""Where log lines go: stderr. What only informs is written together, some times a second.

A write for each push costs as much as a fifth of the push (docs/performance.md): it gives the interpreter
away and waits to get it back. Warnings and errors are written at once, with all before them.
"""

from __future__ import annotations

import atexit
import sys
import threading
import time
from collections import deque
from typing import Final

FLUSH_S: Final = 0.1
"""What a kill -9 may take with it of lines that only inform."""


class LogLines:
    """A logger for structlog: its methods take finished lines, from any thread.

    ``informs``: whether lines that only inform are wanted.
    """

    def __init__(self) -> None:
        self.informs = True
        self._pending: deque[str] = deque()
        self._writing = threading.Lock()
        self._started = False

    def start(self) -> None:
        """Writes from now on by itself; again does nothing."""
        if self._started:
            return
        self._started = True
        atexit.register(self.flush)
        threading.Thread(target=self._run, name="log-lines", daemon=True).start()

    def info(self, line: str) -> None:
        self._pending.append(line)
        if not self._started:
            self.flush()

    debug = info

    def warning(self, line: str) -> None:
        self._pending.append(line)
        self.flush()

    error = critical = exception = warning

    def flush(self) -> None:
        """Everything so far is with the operating system when this returns."""
        with self._writing:
            lines = [self._pending.popleft() for _ in range(len(self._pending))]
            if lines:
                sys.stderr.write("\n".join(lines) + "\n")
                sys.stderr.flush()

    def _run(self) -> None:
        while True:
            time.sleep(FLUSH_S)
            self.flush()


LINES: Final = LogLines()
