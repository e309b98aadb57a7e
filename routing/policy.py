"""Which agent serves a customer: a ring with bounded loads, explained. Pure.

Order: the agent who served the customer last, then clockwise from the customer's point. The first one
below their seats and below the cap ⌈c·(total+1)·weight/Σweight⌉ gets the customer (Mirrokni, Thorup,
Zadimoghaddam 2016; HAProxy bounds live load the same way). When every free seat is above the cap the
least loaded of them is taken: a seat never stays free while a customer waits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from routing.agents import Agent, Roster
from routing.ring import Ring, point

PASSED_SHOWN: Final = 16
"""Agents who could not serve at all that a card lists, so that it stays small."""

CEIL_SLACK: Final = 1e-9
"""What floating point may add to a whole number; the script that checks the cap uses the same."""


ALL_FULL: Final = "all_full"
"""The reason of a queue that a further candidate could still change."""


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
    """An agent who was passed over.

    ``reason``: full or over_cap for a candidate; unknown, excluded, not_in_group or offline for one who
    could not serve the wish at all.
    """

    kf_account: str
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why this decision. ``considered`` has each candidate in order with load, seats and cap."""

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
    """The customer must wait: nobody_online, all_excluded, others_wait_first, all_full, or what held them."""

    reason: str
    why: Explanation


@dataclass(frozen=True, slots=True)
class Bound:
    """What the cap is made of: conversations seated in the group, weights, the factor c."""

    total: int
    total_weight: int
    load_factor: float

    def share(self, weight: int) -> float:
        """The part of the group's conversations that an agent of ``weight`` seats may hold."""
        return self.load_factor * weight / self.total_weight

    def cap(self, weight: int) -> int:
        """Return the most that the agent may hold once one more joined; at least 1, so all take part."""
        return max(1, math.ceil(self.share(weight) * (self.total + 1) - CEIL_SLACK))


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


def passed_over(roster: Roster, wish: Wish) -> tuple[Skipped, ...]:
    """Who could not serve the wish at all: the previous agent, then the excluded, then the offline."""
    names = {name for name, agent in roster.agents.items() if wish.group in agent.groups}
    names |= {wish.previous} if wish.previous else set()
    reasons = [(name, _unfit(roster.agents.get(name), wish)) for name in names]
    passed = [Skipped(name, reason) for name, reason in reasons if reason]
    passed.sort(key=lambda s: (s.kf_account != wish.previous, s.reason == "offline", s.kf_account))
    return tuple(passed[:PASSED_SHOWN])


def preferences(
    cands: Sequence[Candidate], loads: Mapping[str, Load], bound: Bound
) -> tuple[tuple[str, float], ...]:
    """Return (kf_account, share of the group's conversations it may hold), best first: what the atomic step
    checks against live numbers."""
    return tuple((c.kf_account, bound.share(loads[c.kf_account].seats)) for c in cands)


def decide(
    wish: Wish,
    cands: Sequence[Candidate],
    loads: Mapping[str, Load],
    bound: Bound,
    waiting: int,
    passed: Sequence[Skipped] = (),
    hold: str = "",
) -> Assign | Queue:
    """Seat or queue; ``waiting`` are those of the group who came before.

    ``loads`` must have every candidate (KeyError). ``passed`` goes into the explanation only. ``hold`` is
    why nobody is to be seated at all (the group is closed, or its agents take for themselves).
    """
    rows = [_weigh(candidate, loads[candidate.kf_account], bound) for candidate in cands]
    excluded = any(s.reason == "excluded" for s in passed)
    chosen, reason = (None, hold) if hold else _choose(rows, waiting, excluded=excluded)
    skipped = [Skipped(row.candidate.kf_account, row.skip) for row in rows if row.skip]
    why = Explanation(
        group=wish.group,
        openid=wish.openid,
        result="assign" if chosen else "queue",
        chosen=chosen,
        reason=reason,
        considered=tuple(row.shown() for row in rows),
        skipped=(*(s for s in skipped if s.kf_account != chosen), *passed),
    )
    return Assign(chosen, why) if chosen else Queue(reason, why)


@dataclass(frozen=True, slots=True)
class _Row:
    """A candidate with their numbers; ``skip`` is why they cannot be taken, "" if they can."""

    candidate: Candidate
    load: Load
    cap: int
    skip: str

    def shown(self) -> Mapping[str, Any]:
        return {
            "kf_account": self.candidate.kf_account,
            "why": self.candidate.why,
            "load": self.load.seats_taken,
            "seats": self.load.seats,
            "cap": self.cap,
        }


def _weigh(candidate: Candidate, load: Load, bound: Bound) -> _Row:
    cap = bound.cap(load.seats)
    over = "over_cap" if load.seats_taken >= cap else ""
    return _Row(candidate, load, cap, "full" if load.seats_taken >= load.seats else over)


def _choose(rows: Sequence[_Row], waiting: int, *, excluded: bool) -> tuple[str | None, str]:
    """(kf_account or None, reason)."""
    if not rows:
        return None, "all_excluded" if excluded else "nobody_online"
    if waiting:
        return None, "others_wait_first"
    for row in rows:
        if not row.skip:
            return row.candidate.kf_account, row.candidate.why
    free = [row for row in rows if row.skip == "over_cap"]
    if not free:
        return None, ALL_FULL
    least = min(free, key=lambda row: (row.load.seats_taken, row.candidate.position))
    return least.candidate.kf_account, "over_cap"


def _unfit(agent: Agent | None, wish: Wish) -> str:
    """Return why the agent cannot serve the wish, whatever their load; "" if they can."""
    if agent is None:
        return "unknown"
    if wish.group not in agent.groups:
        return "not_in_group"
    if not agent.online:
        return "offline"
    return "excluded" if agent.kf_account in wish.exclude else ""
