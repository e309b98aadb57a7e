"""Rules from customer facts to group, priority and greeting; the first match wins. Pure.

A rule is a TOML table: ``[[rules]] group = "premium_support"  priority = 10  greeting = "您好"`` and
``[rules.when]`` with one condition per fact, all of which must hold:

    vip_level_above = 3            number greater than
    purchased_within_days = 7      last_purchase_ms less than so many days ago
    tags_any = ["vip", "团购"]      at least one of the customer's tags
    source = "qrscene_42"          the QR scene, menu key or page that led here;  language = "en"
    hours = [9, 18]                local hour, from inclusive, to exclusive (may pass midnight)

Facts come from other people's systems: one of the wrong kind makes a condition fail, never the routing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeGuard
from zoneinfo import ZoneInfo

DAY_MS: Final = 24 * 3600 * 1000
CLOCK_SKEW_MS: Final = 5 * 60 * 1000
"""A purchase may lie so far in the future, because the shop's clock is not ours."""

PRIORITY_MAX: Final = 100
TEXT_MAX: Final = 200
LIST_MAX: Final = 100
GROUP_NAME: Final = re.compile(r"[a-z0-9_-]{1,64}")
GREETING_MAX: Final = 600
RULES_MAX: Final = 200
SCENE_PREFIX: Final = "qrscene_"
RULE_KEYS: Final = frozenset({"group", "priority", "greeting", "when"})

Facts = Mapping[str, Any]


class BadRule(ValueError):
    """A document that cannot be used; the message has a line for each problem and names the rule."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``when``: condition name → value; an empty one always holds. ``priority`` 0 to PRIORITY_MAX.

    ``greeting`` is what the customer reads when they are served at once, "" = the account's own words.
    """

    group: str
    priority: int
    when: tuple[tuple[str, Any], ...] = ()
    greeting: str = ""

    def as_document(self) -> dict[str, Any]:
        """As ``rules_from`` reads it."""
        greeting = {"greeting": self.greeting} if self.greeting else {}
        return {"group": self.group, "priority": self.priority, "when": dict(self.when), **greeting}


@dataclass(frozen=True, slots=True)
class Moment:
    """When a rule is asked: ms since the epoch and the local hour 0–23."""

    now_ms: int
    hour: int


@dataclass(frozen=True, slots=True)
class Condition:
    """``holds`` asks the facts, ``fits`` whether a rule's value can be used, ``shape`` says what can."""

    holds: Callable[[Facts, Any, Moment], bool]
    fits: Callable[[Any], bool]
    shape: str


def choose_group(rules: Sequence[Rule], facts: Facts, now_ms: int, timezone: str) -> Rule | None:
    """The first rule whose conditions all hold, None without one."""
    local = datetime.fromtimestamp(now_ms / 1000, ZoneInfo(timezone))
    moment = Moment(now_ms, local.hour)
    for rule in rules:
        if all(CONDITIONS[name].holds(facts, value, moment) for name, value in rule.when):
            return rule
    return None


def rules_from(document: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules of a parsed TOML document with ``default_group``, ``[groups.*]`` and ``[[rules]]``.

    Raises BadRule with every problem found.
    """
    problems = list(_problems(document))
    if problems:
        raise BadRule("\n".join(problems))
    return parsed(document.get("rules", []))


def parsed(tables: Sequence[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """The rules of tables that were checked."""
    return tuple(
        Rule(
            group=table["group"],
            priority=table.get("priority", 0),
            when=tuple(table.get("when", {}).items()),
            greeting=table.get("greeting", "").strip(),
        )
        for table in tables
    )


def rule_problems(rules: Any, known: frozenset[str] | None) -> Iterator[str]:
    """What is wrong with a list of rule tables; ``known`` groups None = any."""
    if not isinstance(rules, list | tuple) or len(rules) > RULES_MAX:
        yield f"rules: must be tables, [[rules]], at most {RULES_MAX}"
        return
    for number, table in enumerate(rules, start=1):
        yield from _wrong_rule(f"rule {number}", table, known)


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    groups = document.get("groups", {})
    if not _tables(groups):
        yield "groups: must be tables, [groups.<name>]"
        groups = {}
    known = frozenset(groups) or None
    yield from wrong_group("default_group", document.get("default_group"), known)
    for name, table in groups.items():
        yield from wrong_group(f"groups.{name}", name, None)
        if not isinstance(table.get("title"), str) or not table["title"].strip():
            yield f"groups.{name}: title is missing"
        if "fallback" in table:
            yield from wrong_group(f"groups.{name}.fallback", table["fallback"], known)
    yield from rule_problems(document.get("rules", []), known)


def _tables(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(one, Mapping) for one in value.values())


def wrong_group(where: str, name: Any, known: frozenset[str] | None) -> Iterator[str]:
    """What is wrong with a name that must be one of the known groups; None = any well-formed one."""
    if name is None:
        yield f"{where}: group is missing"
    elif not isinstance(name, str) or not GROUP_NAME.fullmatch(name):
        yield f"{where}: a group's name is 1 to 64 of a-z 0-9 _ -, not {str(name)[:80]!r}"
    elif known is not None and name not in known:
        yield f"{where}: no group {name} among {', '.join(sorted(known))}"


def _wrong_rule(where: str, table: Any, known: frozenset[str] | None) -> Iterator[str]:
    if not isinstance(table, Mapping):
        yield f"{where}: must be a table"
        return
    yield from wrong_group(where, table.get("group"), known)
    priority, when = table.get("priority", 0), table.get("when", {})
    if type(priority) is not int or not 0 <= priority <= PRIORITY_MAX:
        yield f"{where}: priority must be a whole number from 0 to {PRIORITY_MAX}"
    greeting = table.get("greeting", "")
    if not isinstance(greeting, str) or len(greeting) > GREETING_MAX:
        yield f"{where}: greeting must be a text of at most {GREETING_MAX} characters"
    for key in sorted(set(table) - RULE_KEYS):
        yield f"{where}: unknown key {key}; known: {', '.join(sorted(RULE_KEYS))}"
    if not isinstance(when, Mapping):
        yield f"{where}: when must be a table, [rules.when]"
        return
    for name, value in when.items():
        condition = CONDITIONS.get(name)
        if condition is None:
            yield f"{where}: unknown condition {name}; known: {', '.join(CONDITIONS)}"
        elif not condition.fits(value):
            yield f"{where}: {name} must be {condition.shape}"


def _number(value: Any) -> TypeGuard[int | float]:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= TEXT_MAX


def _texts(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= LIST_MAX and all(map(_text, value))


def _hour_pair(value: Any) -> bool:
    pair = isinstance(value, list) and len(value) == 2 and all(type(hour) is int for hour in value)
    return pair and 0 <= value[0] <= 23 and 0 <= value[1] <= 24 and value[0] != value[1]


def _above(facts: Facts, value: Any, moment: Moment) -> bool:
    level = facts.get("vip_level")
    return _number(level) and bool(level > value)


def _bought(facts: Facts, value: Any, moment: Moment) -> bool:
    last = facts.get("last_purchase_ms")
    return _number(last) and bool(-CLOCK_SKEW_MS <= moment.now_ms - last < value * DAY_MS)


def _tagged(facts: Facts, value: Any, moment: Moment) -> bool:
    tags = facts.get("tags")
    return isinstance(tags, list | tuple) and any(tag in tags for tag in value)


def _equals(fact: str) -> Callable[[Facts, Any, Moment], bool]:
    return lambda facts, value, moment: bool(facts.get(fact) == value)


def _from_source(facts: Facts, value: Any, moment: Moment) -> bool:
    """A QR code's scene is the same with the platform's prefix and without."""
    source = facts.get("source")
    return isinstance(source, str) and _scene(source) == _scene(value)


def _scene(source: str) -> str:
    return source.removeprefix(SCENE_PREFIX)


def _hours(facts: Facts, value: Any, moment: Moment) -> bool:
    start, end = value
    if start < end:
        return bool(start <= moment.hour < end)
    return bool(moment.hour >= start or moment.hour < end)


_A_TEXT: Final = f"a text of 1 to {TEXT_MAX} characters"

CONDITIONS: Final[dict[str, Condition]] = {
    "vip_level_above": Condition(_above, _number, "a number"),
    "purchased_within_days": Condition(_bought, lambda v: _number(v) and v > 0, "a number above 0"),
    "tags_any": Condition(_tagged, _texts, f"a list of 1 to {LIST_MAX} texts"),
    "source": Condition(_from_source, _text, _A_TEXT),
    "language": Condition(_equals("language"), _text, _A_TEXT),
    "previous_agent": Condition(_equals("previous_agent"), _text, _A_TEXT),
    "hours": Condition(_hours, _hour_pair, "two different whole hours, [from 0-23, to 0-24]"),
}
