"""Which agent serves a customer: a ring with bounded loads, explained. Pure.

Order: the agent who served the customer last, then clockwise from the customer's point. The first one
below his seats and below the cap ⌈c·(total+1)·weight/Σweight⌉ gets the customer (Mirrokni, Thorup,
Zadimoghaddam 2016; HAProxy bounds live load the same way). When every free seat is above the cap the
least loaded of them is taken: a seat never stays free while a customer waits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from routing.agents import Roster
from routing.ring import Ring, point


@dataclass(frozen=True, slots=True)
class Wish:
    """Who must be served: ``previous`` = the agent to prefer, None without one."""

    openid: str
    group: str
    previous: str | None
    exclude: frozenset[str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One agent in order of preference; ``why`` is "previous" or "ring", ``position`` from 0."""

    kf_account: str
    why: str
    position: int


@dataclass(frozen=True, slots=True)
class Load:
    """Seats taken now, and seats altogether."""

    seats_taken: int
    seats: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A candidate that was passed over: ``reason`` full or over_cap."""

    kf_account: str
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why this decision. ``considered`` has each candidate with load, seats and cap."""

    group: str
    openid: str
    result: str
    chosen: str | None
    reason: str
    considered: tuple[Mapping[str, Any], ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def as_card(self) -> dict[str, Any]:
        """JSON-able, as ``GET …/routing`` shows it."""
        return {
            "group": self.group,
            "ring_point": f"{point(self.openid):016x}",
            "result": self.result,
            "chosen": self.chosen,
            "reason": self.reason,
            "candidates": [dict(row) for row in self.considered],
            "skipped": [{"kf_account": s.kf_account, "reason": s.reason} for s in self.skipped],
        }


@dataclass(frozen=True, slots=True)
class Assign:
    """This agent is to serve."""

    kf_account: str
    why: Explanation


@dataclass(frozen=True, slots=True)
class Queue:
    """The customer must wait: nobody_online, all_full or others_wait_first."""

    reason: str
    why: Explanation


@dataclass(frozen=True, slots=True)
class Bound:
    """What the cap is made of: conversations seated in the group, weights, the factor c."""

    total: int
    total_weight: int
    load_factor: float

    def cap(self, weight: int) -> int:
        share = self.load_factor * (self.total + 1) * weight / self.total_weight
        return max(1, math.ceil(share - 1e-9))


@dataclass(slots=True)
class _Tally:
    considered: list[Mapping[str, Any]] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def candidates(ring: Ring, roster: Roster, wish: Wish, limit: int) -> tuple[Candidate, ...]:
    """At most ``limit`` agents of the group's ring in order of preference, without the excluded."""
    names: list[tuple[str, str]] = []
    if wish.previous and wish.previous in roster.online_in(wish.group):
        names.append((wish.previous, "previous"))
    names += [(name, "ring") for name in ring.walk(wish.openid) if name != wish.previous]
    allowed = (pair for pair in names if pair[0] not in wish.exclude)
    return tuple(
        Candidate(name, why, position)
        for position, (name, why) in enumerate(islice(allowed, limit))
    )


def decide(
    wish: Wish,
    cands: Sequence[Candidate],
    loads: Mapping[str, Load],
    bound: Bound,
    waiting: int,
) -> Assign | Queue:
    """Seat or queue; ``waiting`` are those of the group who came before."""
    if waiting:
        return _queue(wish, "others_wait_first", _Tally())
    if not cands:
        return _queue(wish, "nobody_online", _Tally())
    tally = _Tally()
    above_cap: list[Candidate] = []
    for candidate in cands:
        load = loads[candidate.kf_account]
        cap = bound.cap(load.seats)
        tally.considered.append(_row(candidate, load, cap))
        if load.seats_taken >= load.seats:
            tally.skipped.append(Skipped(candidate.kf_account, "full"))
        elif load.seats_taken >= cap:
            tally.skipped.append(Skipped(candidate.kf_account, "over_cap"))
            above_cap.append(candidate)
        else:
            return _assign(wish, candidate.kf_account, candidate.why, tally)
    if above_cap:
        least = min(above_cap, key=lambda c: (loads[c.kf_account].seats_taken, c.position))
        return _assign(wish, least.kf_account, "over_cap", tally)
    return _queue(wish, "all_full", tally)


def _row(candidate: Candidate, load: Load, cap: int) -> dict[str, Any]:
    return {
        "kf_account": candidate.kf_account,
        "why": candidate.why,
        "load": load.seats_taken,
        "seats": load.seats,
        "cap": cap,
    }


def _assign(wish: Wish, chosen: str, reason: str, tally: _Tally) -> Assign:
    skipped = tuple(s for s in tally.skipped if s.kf_account != chosen)
    why = Explanation(
        wish.group, wish.openid, "assign", chosen, reason, tuple(tally.considered), skipped
    )
    return Assign(chosen, why)


def _queue(wish: Wish, reason: str, tally: _Tally) -> Queue:
    why = Explanation(
        wish.group,
        wish.openid,
        "queue",
        None,
        reason,
        tuple(tally.considered),
        tuple(tally.skipped),
    )
    return Queue(reason, why)
