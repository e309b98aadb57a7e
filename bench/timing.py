"""Times single calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def each_ms(call: Callable[[T], object], over: Iterable[T]) -> list[float]:
    """How long each call took."""
    took = []
    for item in over:
        began = time.perf_counter()
        call(item)
        took.append((time.perf_counter() - began) * 1000)
    return took
