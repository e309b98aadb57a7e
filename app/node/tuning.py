"""What is tuned in a process that serves: garbage collection, turns of threads, memory allocators.

Each gain is in docs/performance.md. ``permanent`` is used at the start, ``SHORT_TURNS`` around batches,
``stand_back`` by background loops. Set ``MALLOC_ARENA_MAX`` and ``_RJEM_MALLOC_CONF`` to switch the
allocators' part off.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import platform
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

FULL_EVERY: Final = 100
"""Collections of the middle generation before a full one (default 10): each stops every thread."""

SHORT_TURN_S: Final = 0.0005
"""Seconds that a computing thread keeps others waiting (default 0.005); a push waits up to three times."""

NICENESS: Final = 5
"""A third of the usual weight where threads share a core: enough to go on while it holds what others need."""

_USUAL_TURN_S: Final = sys.getswitchinterval()


@contextmanager
def permanent() -> Iterator[None]:
    """Suspend garbage collection, and exclude everything made inside from all later collections.

    Modules and services are 225,000 objects. Collecting them takes a tenth of the time to import them, and
    100 to 280 ms without an answer to anybody at each later full collection; without them and with 1,000
    desks a full collection takes 50 ms.
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
    """Shorten threads' turns inside ``with SHORT_TURNS:``, for batches that run concurrently with pushes.

    Any number of threads may be inside. They are not always on, as short turns cost a process that may use
    several cores a fifth of its pushes.
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
    """Lower the calling thread's priority permanently, so that request threads win on a shared core.

    Only Linux has a priority for each thread, and it cannot be raised again without privileges. Where a
    sandbox refuses the call, nothing changes.
    """
    if sys.platform == "linux":
        me = threading.get_native_id()
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, me, os.getpriority(os.PRIO_PROCESS, me) + NICENESS)


GRANIAN: Final = ("_RJEM_MALLOC_CONF", "tcache:false")
"""Granian's allocator reads this variable once, when it is loaded."""

M_ARENA_MAX: Final = -8
"""From glibc's malloc.h: how many heaps the threads share."""

JEMALLOC: Final = (
    f"/usr/lib/{platform.machine()}-linux-gnu/libjemalloc.so.2",
    "/usr/lib64/libjemalloc.so.2",
    "/usr/lib/libjemalloc.so.2",
)
"""Paths of the library in distributions; Debian's redis-server depends on it."""

PAGE_BYTES: Final = 4096
"""jemalloc as distributions build it ends a process on a machine with larger pages."""

GLIBC_STOCK: Final = "glibc.malloc.tcache_count=127"
"""Freed blocks of each size that a thread reuses (glibc's default is 7)."""


def one_stock_for_all_threads() -> None:
    """Make all threads share one heap; what an operator has set stays.

    Allocators have a heap for each thread, so that threads need not wait for each other. Here they wait for
    the interpreter anyway, and the heaps of a thousand event streams are 60 of a node's 270 MB. Call it
    before granian is imported and before threads are started.
    """
    os.environ.setdefault(*GRANIAN)
    if "MALLOC_ARENA_MAX" not in os.environ:
        with contextlib.suppress(AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def of_the_store() -> dict[str, str]:
    """Return the environment variables of the embedded server, which is built with glibc's allocator.

    In its heap scripts and data lie mixed: with 100,000 conversations a message costs a third more than in
    an empty store, a sixth more with a larger cache of freed blocks, and 5 % more with jemalloc.
    """
    jemalloc = next(filter(os.path.exists, JEMALLOC), "")
    if not jemalloc or os.sysconf("SC_PAGESIZE") != PAGE_BYTES:
        return {"GLIBC_TUNABLES": GLIBC_STOCK}
    return {"LD_PRELOAD": jemalloc}
