"""Slices of a long list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def slices(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Yield the items in order, ``size`` at a time; the last slice may be shorter."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
