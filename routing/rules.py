"""Rules from customer facts to group and priority; the first match wins. Pure.

A rule is a TOML table: ``[[rules]] group = "premium_support"  priority = 10`` and ``[rules.when]`` with one
condition per fact, all of which must hold:

    vip_level_above = 3            number greater than
    purchased_within_days = 7      last_purchase_ms at most so many days ago
    tags_any = ["vip", "团购"]      at least one of the customer's tags
    source = "qrscene_42"          the key that led here;  language = "en"
    hours = [9, 18]                local hour, from inclusive, to exclusive (may pass midnight)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

DAY_MS: Final = 24 * 3600 * 1000


class BadRule(ValueError):
    """A rule that cannot be used; the message names the rule and what is wrong."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``when``: condition name → value; an empty one always holds."""

    group: str
    priority: int
    when: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """When a rule is asked: ms since the epoch and the local hour 0–23."""

    now_ms: int
    hour: int


def choose_group(
    rules: Sequence[Rule], facts: Mapping[str, Any], now_ms: int, timezone: str
) -> Rule | None:
    """The first rule whose conditions all hold, None without one."""
    local = datetime.fromtimestamp(now_ms / 1000, ZoneInfo(timezone))
    moment = Moment(now_ms, local.hour)
    for rule in rules:
        if all(CONDITIONS[name](facts, value, moment) for name, value in rule.when):
            return rule
    return None


def rules_from(document: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules of a parsed TOML document. Raises BadRule."""
    tables = document.get("rules", [])
    return tuple(_rule(number, table) for number, table in enumerate(tables, start=1))


def _rule(number: int, table: Mapping[str, Any]) -> Rule:
    when, group, priority = table.get("when", {}), table.get("group"), table.get("priority", 0)
    if not isinstance(group, str) or not group:
        raise BadRule(f"rule {number}: group is missing")
    if not isinstance(priority, int):
        raise BadRule(f"rule {number}: priority must be a whole number")
    for name, value in when.items():
        if name not in CONDITIONS:
            raise BadRule(
                f"rule {number}: unknown condition {name}; known: {', '.join(CONDITIONS)}"
            )
        if not isinstance(value, _SHAPES[name]):
            raise BadRule(f"rule {number}: {name} has a value of the wrong kind")
    return Rule(group, priority, tuple(when.items()))


def _above(facts: Mapping[str, Any], value: Any, moment: Moment) -> bool:
    level = facts.get("vip_level")
    return isinstance(level, (int, float)) and level > value


def _bought(facts: Mapping[str, Any], value: Any, moment: Moment) -> bool:
    last = facts.get("last_purchase_ms")
    return isinstance(last, (int, float)) and 0 <= moment.now_ms - last < value * DAY_MS


def _tagged(facts: Mapping[str, Any], value: Any, moment: Moment) -> bool:
    return bool(set(facts.get("tags") or ()) & set(value))


def _equals(fact: str) -> Callable[[Mapping[str, Any], Any, Moment], bool]:
    return lambda facts, value, moment: facts.get(fact) == value


def _hours(facts: Mapping[str, Any], value: Any, moment: Moment) -> bool:
    start, end = value
    if start <= end:
        return bool(start <= moment.hour < end)
    return bool(moment.hour >= start or moment.hour < end)


CONDITIONS: Final[dict[str, Callable[[Mapping[str, Any], Any, Moment], bool]]] = {
    "vip_level_above": _above,
    "purchased_within_days": _bought,
    "tags_any": _tagged,
    "source": _equals("source"),
    "language": _equals("language"),
    "previous_agent": _equals("previous_agent"),
    "hours": _hours,
}

_SHAPES: Final[dict[str, Any]] = {
    "vip_level_above": (int, float),
    "purchased_within_days": (int, float),
    "tags_any": list,
    "source": str,
    "language": str,
    "previous_agent": str,
    "hours": list,
}
