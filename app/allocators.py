"""Memory for threads that sleep: an event stream holds one for hours.

An allocator keeps a stock for each thread so that threads need not wait for each other. Ours wait for the
interpreter anyway, and a thousand stocks are 60 of a node's 270 MB (docs/performance.md).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from typing import Final

JEMALLOC: Final = ("_RJEM_MALLOC_CONF", "tcache:false")
"""granian's allocator, which reads this once, as it is loaded."""

M_ARENA_MAX: Final = -8
"""From glibc's malloc.h: how many heaps the threads share."""


def one_stock_for_all_threads() -> None:
    """To be called before granian is imported and before threads are started; what an operator set stays."""
    os.environ.setdefault(*JEMALLOC)
    if "MALLOC_ARENA_MAX" not in os.environ:
        with contextlib.suppress(AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
