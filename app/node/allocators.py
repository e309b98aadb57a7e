"""Which memory allocators the node and its embedded store use, and how."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
from typing import Final

GRANIAN: Final = ("_RJEM_MALLOC_CONF", "tcache:false")
"""Its allocator reads this once, as it is loaded."""

M_ARENA_MAX: Final = -8
"""From glibc's malloc.h: how many heaps the threads share."""

JEMALLOC: Final = (
    f"/usr/lib/{platform.machine()}-linux-gnu/libjemalloc.so.2",
    "/usr/lib64/libjemalloc.so.2",
    "/usr/lib/libjemalloc.so.2",
)
"""Where distributions put it; Debian's redis-server brings it."""

PAGE_BYTES: Final = 4096
"""As distributions build it, jemalloc ends a process on a machine with larger pages."""

GLIBC_STOCK: Final = "glibc.malloc.tcache_count=127"
"""Freed pieces of a size that are kept at hand; glibc's own is 7."""


def one_stock_for_all_threads() -> None:
    """An allocator keeps a stock for each thread so that threads need not wait for each other.

    Ours wait for the interpreter anyway, and a thousand event streams' stocks are 60 of a node's 270 MB
    (docs/performance.md). To be called before granian is imported and before threads are started; what an
    operator set stays.
    """
    os.environ.setdefault(*GRANIAN)
    if "MALLOC_ARENA_MAX" not in os.environ:
        with contextlib.suppress(AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def of_the_store() -> dict[str, str]:
    """Environment of the embedded server, which is built with glibc's allocator.

    There scripts and data lie mixed, and a message beside 100,000 conversations costs a third more than in
    an empty store, a sixth more with a larger stock, 5 % more with jemalloc (docs/performance.md).
    """
    jemalloc = next(filter(os.path.exists, JEMALLOC), "")
    if not jemalloc or os.sysconf("SC_PAGESIZE") != PAGE_BYTES:
        return {"GLIBC_TUNABLES": GLIBC_STOCK}
    return {"LD_PRELOAD": jemalloc}
