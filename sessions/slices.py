"""A long list, some of it at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def slices(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The items in order, ``size`` together; the last ones may be fewer."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
