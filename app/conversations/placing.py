"""Find a customer's group: the first matching rule, then the group that can take them, and its hours."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.account import Account
from routing.hours import Opening, is_open, opening
from routing.rules import Rule, choose_group

CLOSED: Final = "group_closed"
MANUAL: Final = "agents_take"


@dataclass(frozen=True, slots=True)
class Place:
    """The group and priority a customer gets, and why.

    ``rule`` None: none matched; ``number`` is its place in the list, from 1. ``passed`` are groups that
    handed
    the customer on: (group, no_members or nobody_online). ``named`` is the group that their message named.
    """

    group: str
    priority: int
    rule: Rule | None
    number: int
    passed: tuple[tuple[str, str], ...]
    opening: Opening
    named: str = ""

    @property
    def greeting(self) -> str:
        return self.rule.greeting if self.rule else ""

    def as_card(self) -> dict[str, Any]:
        """Return the part of the card that explains the group."""
        rule = self.rule.as_document() | {"number": self.number} if self.rule else None
        return {
            "rule": rule,
            "priority": self.priority,
            "hours": self.opening.as_card(),
            "fallback": [{"group": group, "why": why} for group, why in self.passed],
            **({"named": self.named} if self.named else {}),
        }


def place_of(account: Account, facts: Mapping[str, Any], now_ms: int, named: str = "") -> Place:
    """Return the group of the first matching rule, or its fallback while it cannot take the customer.

    A ``named`` group goes before the rule's; priority and greeting stay the rule's.
    """
    plan = account.plan()
    routing = plan.routing
    rule = choose_group(routing.rules, facts, now_ms, routing.timezone)
    number = routing.rules.index(rule) + 1 if rule else 0
    ruled = rule.group if rule else routing.default_group
    group, passed = _settled(account, named or ruled, now_ms)
    return Place(
        group=group,
        priority=rule.priority if rule else 0,
        rule=rule,
        number=number,
        passed=passed,
        opening=opening(plan.group(group).hours, now_ms),
        named=named,
    )


def staffed_group(account: Account, group: str, now_ms: int | None = None) -> str:
    """Return the group that takes a customer of ``group`` now: itself or one of its fallbacks."""
    return _settled(account, group, clock_ms() if now_ms is None else now_ms)[0]


def takes_now(account: Account, group: str) -> bool:
    """Return whether the group is open and one of its agents is online."""
    there = account.attendance.roster().online_in(group)
    return bool(there) and is_open(account.plan().group(group).hours, clock_ms())


def held_back(account: Account, group: str, now_ms: int) -> str:
    """Return why the group's queue is not seated automatically now, "" if it is."""
    found = account.plan().group(group)
    if not is_open(found.hours, now_ms):
        return CLOSED
    return "" if found.seats_by_itself else MANUAL


def drainable(account: Account, groups: Iterable[str], now_ms: int | None = None) -> list[str]:
    """Return the groups among these whose queues are seated automatically now."""
    now_ms = clock_ms() if now_ms is None else now_ms
    return [group for group in groups if not held_back(account, group, now_ms)]


def has_members(account: Account, group: str) -> bool:
    """Return whether the group has members, online or not."""
    return any(group in agent.groups for agent in account.attendance.roster().agents.values())


def clock_ms() -> int:
    """Return this node's clock, ms; opening hours need no better one."""
    return int(time.time() * 1000)


def _settled(account: Account, group: str, now_ms: int) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return (group, groups that handed on); where nobody is online, the first group with members."""
    passed: list[tuple[str, str]] = []
    for at in _chain(account, group):
        why = _hands_on(account, at, now_ms)
        if not why:
            return at, tuple(passed)
        passed.append((at, why))
    manned = next((at for at, why in passed if why != "no_members"), group)
    names = [at for at, _ in passed]
    return manned, tuple(passed[: names.index(manned)])


def _chain(account: Account, group: str) -> Iterator[str]:
    """Yield the group and its fallbacks, each once."""
    tried: set[str] = set()
    while group and group not in tried:
        yield group
        tried.add(group)
        group = account.fallback_of(group)


def _hands_on(account: Account, group: str, now_ms: int) -> str:
    """Return why the group hands its customers to its fallback at once, "" if it does not."""
    if not has_members(account, group):
        return "no_members"
    found = account.plan().group(group)
    keeps = found.fallback_after_s or not is_open(found.hours, now_ms)
    if keeps or account.attendance.roster().online_in(group):
        return ""
    return "nobody_online"
