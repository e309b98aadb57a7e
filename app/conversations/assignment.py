"""Who is to serve a customer: joins the pure policy with live numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.account import Account
from routing.policy import (
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
from routing.rules import choose_group
from sessions.model import Customer

NEAR = 16
"""Candidates whose loads are read first; the rest only when all of these are full."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision with all that the atomic step needs to check it against live numbers.

    ``ranked`` are (kf_account, share of the group's conversations it may hold), best first.
    """

    group: str
    kf_account: str
    ranked: tuple[tuple[str, float], ...]
    staffed: bool
    card: str
    now_ms: int


@dataclass(frozen=True, slots=True)
class Place:
    """The group and priority the rules give a customer."""

    group: str
    priority: int


def place_of(account: Account, facts: Mapping[str, Any], now_ms: int) -> Place:
    """First matching rule, then on to the fallback while the group has nobody online."""
    policy = account.policy
    rule = choose_group(policy.rules, facts, now_ms, policy.timezone)
    group, priority = (rule.group, rule.priority) if rule else (policy.default_group, 0)
    return Place(staffed_group(account, group), priority)


def staffed_group(account: Account, group: str) -> str:
    """The group, or the first of its fallbacks that has somebody online; itself if none has."""
    roster, tried, at = account.attendance.roster(), set[str](), group
    while at and at not in tried:
        if roster.online_in(at):
            return at
        tried.add(at)
        at = account.fallback_of(at)
    return group


def choose(account: Account, wish: Wish, *, jump_queue: bool = False) -> Choice:
    """Decides for one customer with the loads of now. Two round trips at most, usually one."""
    roster = account.attendance.roster()
    near = candidates(roster.ring(wish.group), roster, wish, NEAR)
    choice = _decide(account, wish, near, jump_queue)
    if choice.kf_account or len(near) < NEAR:
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
    """The customer's wish: his agent of the last days first."""
    recent = now_ms - customer.last_served_ms < account.policy.affinity_ms
    previous = customer.last_kf if recent and customer.last_kf not in exclude else None
    return Wish(customer.openid, group, previous or None, exclude)


def _decide(account: Account, wish: Wish, near: tuple[Candidate, ...], jump_queue: bool) -> Choice:
    roster = account.attendance.roster()
    names = [candidate.kf_account for candidate in near]
    crowd = account.seats.crowd(wish.group, names)
    loads = {
        name: Load(seats_taken=crowd.loads[name], seats=roster.agent(name).weight) for name in names
    }
    waiting = 0 if jump_queue else crowd.waiting
    bound = Bound(crowd.seated, roster.weight_of(wish.group), account.policy.load_factor)
    made = decide(wish, near, loads, bound, waiting, passed_over(roster, wish))
    return Choice(
        group=wish.group,
        kf_account=made.kf_account if isinstance(made, Assign) else "",
        ranked=preferences(near, loads, bound),
        staffed=bool(near),
        card=json.dumps(made.why.as_card() | {"at_ms": crowd.now_ms}, ensure_ascii=False),
        now_ms=crowd.now_ms,
    )
