"""Choose who serves a customer: the pure policy joined with live numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.account import Account
from app.conversations.placing import Place, held_back, place_of
from routing.policy import (
    ALL_FULL,
    Assign,
    Bound,
    Candidate,
    Load,
    Wish,
    candidates,
    decide,
    passed_over,
    preferences,
)
from sessions.model import Customer

NEAR = 16
"""Candidates whose loads are read first; the others only when all of these are full."""

SOURCE_MS: Final = 48 * 3600 * 1000
"""How long a customer's source stays a fact, ms: as long as they may be answered."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision with everything that the atomic step needs to check it against live numbers.

    ``ranked`` are (kf_account, share of the group's conversations it may hold), best first; empty where
    ``held`` says why nobody is seated by itself. ``reason`` is the decision's own (routing/policy.py).
    ``seats`` are those of the group's online agents.
    """

    group: str
    kf_account: str
    ranked: tuple[tuple[str, float], ...]
    staffed: bool
    card: str
    now_ms: int
    reason: str
    held: str = ""
    seats: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """The group and the agent of a customer, with one card that explains both."""

    place: Place
    choice: Choice
    card: Mapping[str, Any]


def decision(
    account: Account,
    customer: Customer,
    now_ms: int,
    source: str = "",
    group: str = "",
    named: str = "",
) -> Decision:
    """Return what a customer's message would lead to now; write nothing.

    ``source`` led the customer here, ``named`` is the group that their message names; ``group`` asks about
    another group than theirs.
    """
    place = place_of(account, facts_of(customer, now_ms, source), now_ms, named)
    choice = choose(account, wish_for(account, customer, group or place.group, now_ms))
    credit_ms = place.priority * account.policy.priority_credit_ms
    card = json.loads(choice.card) | place.as_card() | {"effective_ms": choice.now_ms - credit_ms}
    return Decision(place, choice, card)


def facts_of(customer: Customer, now_ms: int, source: str = "") -> dict[str, Any]:
    """Return what rules may ask: pushed facts, tags, source (now, or within two days), last agent."""
    facts = dict(customer.facts)
    given = facts.get("tags")
    tags = [*(given if isinstance(given, list) else []), *customer.platform_tags]
    recent = now_ms - customer.source_ms < SOURCE_MS
    here = source or (customer.source if recent else "")
    return facts | {"tags": tags, "source": here, "previous_agent": customer.last_kf}


def choose(account: Account, wish: Wish, *, jump_queue: bool = False) -> Choice:
    """Choose for one customer by present loads, in one round trip, or two where the nearest agents are full.

    If the queue is not empty, looking at more agents cannot change the result: a newcomer never passes
    those who wait.
    """
    roster = account.attendance.roster()
    near = candidates(roster.ring(wish.group), roster, wish, NEAR)
    choice = _decide(account, wish, near, jump_queue)
    if len(near) < NEAR or choice.reason != ALL_FULL:
        return choice
    everybody = candidates(roster.ring(wish.group), roster, wish, len(roster.online_in(wish.group)))
    return _decide(account, wish, everybody, jump_queue)


def wish_for(
    account: Account,
    customer: Customer,
    group: str,
    now_ms: int,
    exclude: frozenset[str] = frozenset(),
) -> Wish:
    """Return the customer's wish: their agent of the last days first."""
    recent = now_ms - customer.last_served_ms < account.policy.affinity_ms
    previous = customer.last_kf if recent and customer.last_kf not in exclude else None
    return Wish(customer.openid, group, previous or None, exclude)


def _seats_at(account: Account, kf_account: str, now_ms: int) -> int:
    """Return the agent's seats now; they may still grow shortly after the agent came online."""
    agent = account.attendance.agent(kf_account)
    return agent.seat.seats_at(now_ms) if agent else 0


def _decide(account: Account, wish: Wish, near: tuple[Candidate, ...], jump_queue: bool) -> Choice:
    roster = account.attendance.roster()
    names = [candidate.kf_account for candidate in near]
    crowd = account.seats.crowd(wish.group, names)
    loads = {
        name: Load(crowd.loads[name], _seats_at(account, name, crowd.now_ms)) for name in names
    }
    waiting = 0 if jump_queue else crowd.waiting
    held = held_back(account, wish.group, crowd.now_ms)
    bound = Bound(crowd.seated, roster.weight_of(wish.group), account.policy.load_factor)
    made = decide(wish, near, loads, bound, waiting, passed_over(roster, wish), held)
    return Choice(
        group=wish.group,
        kf_account=made.kf_account if isinstance(made, Assign) else "",
        ranked=() if held else preferences(near, loads, bound),
        staffed=bool(near),
        card=json.dumps(made.why.as_card() | {"at_ms": crowd.now_ms}, ensure_ascii=False),
        now_ms=crowd.now_ms,
        reason=made.why.reason,
        held=held,
        seats=roster.weight_of(wish.group) if near else 0,
    )
