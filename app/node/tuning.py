"""How the interpreter of this process looks for garbage, and whose turn it is in it."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

FULL_EVERY: Final = 100
"""Collections of the middle generation before a full one, instead of 10: each stops every thread."""

SHORT_TURN_S: Final = 0.0005
"""How long a thread that computes keeps others waiting, instead of 0.005: a push waits up to three times."""

NICENESS: Final = 5
"""A third of the usual weight where threads share a core: enough to go on while it holds what others need."""

_USUAL_TURN_S: Final = sys.getswitchinterval()


@contextmanager
def permanent() -> Iterator[None]:
    """The collector looks for no garbage inside, never again goes through what was made, and is calmer after.

    Modules and services are 225,000 objects: a tenth of the time to import them, and 100 to 280 ms in which
    nobody is answered at each full collection later. With them left out and 1,000 desks it is 50 ms.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        young, middle, _ = gc.get_threshold()
        gc.set_threshold(young, middle, FULL_EVERY)
        gc.enable()


class ShortTurns:
    """``with SHORT_TURNS:`` around what computes beside the pushes, from any thread, also several at once.

    Not always: where a process may use several cores, short turns cost it a fifth of its pushes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0

    def __enter__(self) -> None:
        self._count(1)

    def __exit__(self, *_: object) -> None:
        self._count(-1)

    def _count(self, more: int) -> None:
        with self._lock:
            self._inside += more
            sys.setswitchinterval(SHORT_TURN_S if self._inside else _USUAL_TURN_S)


SHORT_TURNS: Final = ShortTurns()


def stand_back() -> None:
    """The calling thread, for good, leaves a core that it shares to those that answer requests.

    Only Linux keeps the niceness of each thread; without privileges it cannot be taken back. Where a sandbox
    refuses, all stays as it was.
    """
    if sys.platform == "linux":
        me = threading.get_native_id()
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, me, os.getpriority(os.PRIO_PROCESS, me) + NICENESS)
