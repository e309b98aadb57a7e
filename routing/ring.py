"""A consistent-hash ring of agents: an immutable value, so any thread may read it while another changes it.

Each agent has virtual nodes in proportion to their seats; a customer belongs to the first virtual node
clockwise from their own point (Karger et al. 1997). A change makes a new ring from the old one's sorted
points, without hashing the others again, so only the leaver's or newcomer's customers move.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final

from mmh3 import hash64

UINT64: Final = "Q"
UINT32: Final = "I"

VNODES: Final = 100
"""Virtual nodes of an agent with BASE_WEIGHT seats: largest share about 1.26 of the mean at 100 agents."""

BASE_WEIGHT: Final = 5
VNODES_MIN: Final = 10
VNODES_MAX: Final = 1000

REBUILD_SHARE: Final = 4
"""With more than one in so many agents changed, sorting everything is cheaper than splicing."""

NAMES_KEPT: Final = 2
"""With more names than so many for each agent who stands, those who left are let go."""

ARC_BITS: Final = 56
ARCS: Final = 1 << (64 - ARC_BITS)
"""Sorted arc by arc: no other thread runs during a sort, and that of 180,000 points took 0.2 s."""

Point = tuple[int, str]
"""Position on the circle, and whose virtual node stands there."""


def point(key: str) -> int:
    """Where a key stands on the ring: the first 64 bits of MurmurHash3 x64 128, unsigned."""
    return hash64(key, signed=False)[0]  # a text is hashed as UTF-8


def vnode_count(weight: int) -> int:
    """Virtual nodes of an agent with ``weight`` seats."""
    return min(VNODES_MAX, max(VNODES_MIN, VNODES * weight // BASE_WEIGHT))


@dataclass(frozen=True, slots=True, eq=False)
class Ring:
    """Agents on the circle, each with their weight. ``Ring()`` is empty.

    ``_at`` are the virtual nodes' points in ascending order, ``_owners`` whose they are, as places in
    ``_names``, where one who left may still stand. All are shared by readers and never changed. Numbers in
    an array, as a list of them, or of names, takes ten times as long to copy.
    """

    weights: tuple[tuple[str, int], ...] = ()
    _at: array[int] = field(default_factory=lambda: array(UINT64), repr=False)
    _owners: array[int] = field(default_factory=lambda: array(UINT32), repr=False)
    _names: tuple[str, ...] = field(default=(), repr=False)

    def __eq__(self, other: object) -> bool:
        """The same agents at the same points, in whatever order they came."""
        if not isinstance(other, Ring):
            return NotImplemented
        if (self.weights, self._at) != (other.weights, other._at):
            return False
        return self._standing() == other._standing()

    @classmethod
    def of(cls, agents: Iterable[tuple[str, int]]) -> Ring:
        """A ring of (name, weight) pairs; their order does not matter, of one name the last counts."""
        weights = _sorted(dict(agents))
        names = tuple(name for name, _ in weights)
        at, owners, place = array(UINT64), array(UINT32), _places(names)
        for arc in _arcs(weights):
            at.fromlist([position for position, _ in arc])
            owners.fromlist([place[name] for _, name in arc])
        return cls(weights, at, owners, names)

    def with_agents(self, agents: Iterable[tuple[str, int]]) -> Ring:
        """The ring of exactly these agents, made from this one by what differs."""
        wanted, have = dict(agents), dict(self.weights)
        if wanted == have:
            return self
        gone, new = _not_in(wanted, have), _not_in(have, wanted)
        many = len(gone) + len(new) > max(1, len(wanted) // REBUILD_SHARE)
        if many or len(self._names) > NAMES_KEPT * len(have):
            return Ring.of(wanted.items())
        ring = self._without(_points(gone)) if gone else self
        ring = ring._with(_points(new)) if new else ring
        return replace(ring, weights=_sorted(wanted))

    def add(self, name: str, weight: int) -> Ring:
        """Return the ring with this agent; one on it already gets the places of the new weight."""
        return self.with_agents([*self.weights, (name, weight)])

    def remove(self, name: str) -> Ring:
        """Return the ring without the agent; itself if they are not on it."""
        return self.with_agents((n, w) for n, w in self.weights if n != name)

    def walk(self, key: str) -> Iterator[str]:
        """The agents, each once, clockwise from the key's point."""
        start, total = bisect_left(self._at, point(key)), len(self._at)
        seen: set[int] = set()
        for index in chain(range(start, total), range(start)):
            owner = self._owners[index]
            if owner not in seen:
                seen.add(owner)
                yield self._names[owner]
                if len(seen) == len(self.weights):
                    return

    def home(self, key: str) -> str | None:
        """The agent a key belongs to, None on an empty ring."""
        if not self._owners:
            return None
        # point(key) written out: a look-up is too short for one more call.
        index = bisect_left(self._at, hash64(key, signed=False)[0])
        return self._names[self._owners[index if index < len(self._owners) else 0]]

    def _standing(self) -> list[str]:
        return [self._names[owner] for owner in self._owners]

    def _with(self, points: Sequence[Point]) -> Ring:
        cuts, known = self._cuts(points), set(self._names)
        names = self._names + tuple(dict.fromkeys(n for _, n in points if n not in known))
        at = _put(self._at, cuts, [position for position, _ in points])
        place = _places(names)
        owners = _put(self._owners, cuts, [place[name] for _, name in points])
        return Ring(self.weights, at, owners, names)

    def _without(self, points: Sequence[Point]) -> Ring:
        cuts = self._cuts(points)
        at, owners = _left_out(self._at, cuts), _left_out(self._owners, cuts)
        return Ring(self.weights, at, owners, self._names)

    def _cuts(self, points: Sequence[Point]) -> list[int]:
        """Where each of the points, in ascending order, stands or is to stand."""
        cuts, low = [], 0
        for position, name in points:
            low = self._index(position, name, low)
            cuts.append(low)
        return cuts

    def _index(self, position: int, name: str, low: int) -> int:
        """Where the point stands or is to stand; those at one position go by name."""
        index = bisect_left(self._at, position, low)
        while index < len(self._at) and self._at[index] == position:
            if self._names[self._owners[index]] >= name:
                break
            index += 1
        return index


def _places(names: Sequence[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


def _put(items: array[int], cuts: Sequence[int], new: Sequence[int]) -> array[int]:
    """``new`` put in before the cuts; slice by slice, as that is far cheaper than one by one."""
    result = array(items.typecode, [0]) * (len(items) + len(new))
    done = 0
    with memoryview(items) as old, memoryview(result) as made:
        for shift, (cut, item) in enumerate(zip(cuts, new, strict=True)):
            made[done + shift : cut + shift] = old[done:cut]
            made[cut + shift] = item
            done = cut
        made[done + len(new) :] = old[done:]
    return result


def _left_out(items: array[int], cuts: Sequence[int]) -> array[int]:
    """Without the items at the cuts."""
    result = array(items.typecode, [0]) * (len(items) - len(cuts))
    done = 0
    with memoryview(items) as old, memoryview(result) as made:
        for shift, cut in enumerate(cuts):
            made[done - shift : cut - shift] = old[done:cut]
            done = cut + 1
        made[done - len(cuts) :] = old[done:]
    return result


def _not_in(others: Mapping[str, int], weights: Mapping[str, int]) -> list[tuple[str, int]]:
    """The agents who are not among the others with the same weight."""
    return [(name, weight) for name, weight in weights.items() if others.get(name) != weight]


def _sorted(weights: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(weights.items()))


def _points(agents: Iterable[tuple[str, int]]) -> list[Point]:
    """All virtual nodes of these agents, in the order of the ring."""
    return [one for arc in _arcs(agents) for one in arc]


def _arcs(agents: Iterable[tuple[str, int]]) -> Iterator[list[Point]]:
    """The same in arcs that follow each other, each given up by the time the next one is asked for."""
    arcs: list[list[Point]] = [[] for _ in range(ARCS)]
    for name, weight in agents:
        for index in range(vnode_count(weight)):
            # Index first and a separator: "1" + "2x" and "12" + "x" must not share a point.
            position = point(f"{index}|{name}")
            arcs[position >> ARC_BITS].append((position, name))
    arcs.reverse()
    while arcs:
        if arc := arcs.pop():
            yield sorted(set(arc))
