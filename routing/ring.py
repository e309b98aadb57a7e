"""A consistent-hash ring of agents: an immutable value, so any thread may read it while another changes it.

Each agent has virtual nodes in proportion to his seats; a customer belongs to the first virtual node
clockwise from his own point (Karger et al. 1997). A change makes a new ring from the old one's sorted
points, without hashing the others again, so only the leaver's or newcomer's customers move.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import mmh3

VNODES: Final = 100
"""Virtual nodes of an agent with BASE_WEIGHT seats: largest share about 1.26 of the mean at 100 agents."""

BASE_WEIGHT: Final = 5
VNODES_MIN: Final = 10
VNODES_MAX: Final = 1000

Point = tuple[int, str]


def point(key: str) -> int:
    """Where a key stands on the ring: the first 64 bits of MurmurHash3 x64 128, unsigned."""
    return mmh3.hash64(key.encode(), seed=0, x64arch=True, signed=False)[0]


def vnode_count(weight: int) -> int:
    """Virtual nodes of an agent with ``weight`` seats."""
    return min(VNODES_MAX, max(VNODES_MIN, VNODES * weight // BASE_WEIGHT))


@dataclass(frozen=True, slots=True)
class Ring:
    """Sorted virtual nodes and the weight of each agent on it. ``Ring()`` is empty."""

    points: tuple[Point, ...] = ()
    weights: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, agents: Iterable[tuple[str, int]]) -> Ring:
        """A ring of (name, weight) pairs; their order does not matter."""
        weights = tuple(sorted(agents))
        points = [p for name, weight in weights for p in _points(name, weight)]
        return cls(tuple(sorted(points)), weights)

    def with_agents(self, agents: Iterable[tuple[str, int]]) -> Ring:
        """The ring of exactly these agents, made from this one by what differs."""
        wanted, have = dict(agents), dict(self.weights)
        if wanted == have:
            return self
        gone = {name for name, weight in have.items() if wanted.get(name) != weight}
        new = [name for name, weight in wanted.items() if have.get(name) != weight]
        if len(gone) + len(new) > max(1, len(wanted) // 4):
            return Ring.of(wanted.items())
        kept = tuple(p for p in self.points if p[1] not in gone) if gone else self.points
        added = sorted(p for name in new for p in _points(name, wanted[name]))
        return Ring(_merged(kept, added), tuple(sorted(wanted.items())))

    def add(self, name: str, weight: int) -> Ring:
        return self.with_agents([*self.weights, (name, weight)])

    def remove(self, name: str) -> Ring:
        return self.with_agents((n, w) for n, w in self.weights if n != name)

    def walk(self, key: str) -> Iterator[str]:
        """The agents, each once, clockwise from the key's point."""
        points = self.points
        start = bisect_left(points, (point(key), ""))
        seen: set[str] = set()
        for step in range(len(points)):
            name = points[(start + step) % len(points)][1]
            if name not in seen:
                seen.add(name)
                yield name
                if len(seen) == len(self.weights):
                    return

    def home(self, key: str) -> str | None:
        """The agent a key belongs to, None on an empty ring."""
        return next(self.walk(key), None)


def _merged(points: tuple[Point, ...], added: Iterable[Point]) -> tuple[Point, ...]:
    """Both sorted; copied slice by slice, which is far cheaper than sorting or inserting."""
    merged: list[Point] = []
    done = 0
    for item in added:
        at = bisect_left(points, item, done)
        merged += points[done:at]
        merged.append(item)
        done = at
    merged += points[done:]
    return tuple(merged)


def _points(name: str, weight: int) -> list[Point]:
    # Index first and a separator: "1" + "2x" and "12" + "x" must not share a point.
    return [(point(f"{index}|{name}"), name) for index in range(vnode_count(weight))]
