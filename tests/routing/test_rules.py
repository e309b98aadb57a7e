"""From customer facts to a group, with the shipped file as the first example."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.rules import CLOCK_SKEW_MS, CONDITIONS, DAY_MS, BadRule, Rule, choose_group, rules_from

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "routing.toml"
NOW_MS = 1_795_230_000_000  # 2026-11-21 03:00 UTC, 11:00 in Shanghai
ZONE = "Asia/Shanghai"


def shipped() -> tuple[Rule, ...]:
    return rules_from(tomllib.loads(SHIPPED.read_text("utf-8")))


def matches(when: dict[str, Any], facts: dict[str, Any], now_ms: int = NOW_MS) -> bool:
    document = {"default_group": "all", "rules": [{"group": "all", "when": when}]}
    return choose_group(rules_from(document), facts, now_ms, ZONE) is not None


@pytest.mark.parametrize(
    ("facts", "group"),
    [
        ({"vip_level": 4}, "premium_support"),
        ({"vip_level": 3}, "general_support"),
        ({"vip_level": 3, "last_purchase_ms": NOW_MS - 7 * DAY_MS + 1}, "retention_team"),
        ({"last_purchase_ms": NOW_MS - 7 * DAY_MS}, "general_support"),
        ({"vip_level": 5, "last_purchase_ms": NOW_MS}, "premium_support"),
        ({}, "general_support"),
    ],
)
def test_the_shipped_rules_send_customers_where_they_say(facts: dict[str, Any], group: str) -> None:
    rule = choose_group(shipped(), facts, NOW_MS, ZONE)
    assert rule is not None and rule.group == group


@pytest.mark.parametrize(
    ("when", "facts", "holds"),
    [
        ({"tags_any": ["vip", "团购"]}, {"tags": ["老客", "团购"]}, True),
        ({"tags_any": ["vip"]}, {"tags": ["老客"]}, False),
        ({"tags_any": ["v"]}, {"tags": "vip"}, False),
        ({"source": "qrscene_42"}, {"source": "qrscene_42"}, True),
        ({"source": "qrscene_42"}, {}, False),
        ({"language": "en"}, {"language": "en"}, True),
        ({"previous_agent": "amy@gh"}, {"previous_agent": "amy@gh"}, True),
        ({"vip_level_above": 0.5}, {"vip_level": 1}, True),
        ({"vip_level_above": 0}, {"vip_level": True}, False),
        ({"vip_level_above": 0}, {"vip_level": 10**400}, True),
        ({"tags_any": ["vip"]}, {"tags": [["vip"], {}, "vip"]}, True),
        ({"vip_level_above": 0, "language": "en"}, {"vip_level": 1, "language": "zh"}, False),
        ({"purchased_within_days": 1}, {"last_purchase_ms": NOW_MS + CLOCK_SKEW_MS}, True),
        ({"purchased_within_days": 1}, {"last_purchase_ms": NOW_MS + DAY_MS}, False),
        ({}, {}, True),
    ],
)
def test_a_condition_holds_for_its_fact_alone(
    when: dict[str, Any], facts: dict[str, Any], holds: bool
) -> None:
    assert matches(when, facts) is holds


@pytest.mark.parametrize(
    ("hours", "local_hour", "holds"),
    [
        ([9, 18], 9, True),
        ([9, 18], 17, True),
        ([9, 18], 18, False),
        ([22, 6], 23, True),
        ([22, 6], 5, True),
        ([22, 6], 6, False),
        ([0, 24], 0, True),
    ],
)
def test_hours_are_local_and_may_pass_midnight(
    hours: list[int], local_hour: int, holds: bool
) -> None:
    at_ms = NOW_MS + (local_hour - 11) * 3600 * 1000
    assert matches({"hours": hours}, {}, at_ms) is holds


def test_the_first_match_wins_and_without_one_there_is_none() -> None:
    first, second = Rule("one", 1, (("vip_level_above", 1),)), Rule("two", 2)
    assert choose_group([first, second], {"vip_level": 2}, NOW_MS, ZONE) is first
    assert choose_group([first, second], {}, NOW_MS, ZONE) is second
    assert choose_group([first], {}, NOW_MS, ZONE) is None


GOOD: dict[str, Any] = {"default_group": "all", "groups": {"all": {"title": "全部"}}, "rules": []}


def rule(**values: Any) -> dict[str, Any]:
    return GOOD | {"rules": [{"group": "all"} | values]}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, "default_group: group is missing"),
        (GOOD | {"default_group": "nobody"}, "default_group: no group nobody among all"),
        (GOOD | {"groups": {"all": 1}}, "groups: must be tables"),
        (GOOD | {"groups": {"all": {}}}, "groups.all: title is missing"),
        (
            GOOD | {"groups": {"all": {"title": "x", "fallback": "gone"}}},
            "groups.all.fallback: no group gone",
        ),
        (GOOD | {"rules": {}}, "rules: must be tables"),
        (GOOD | {"rules": ["x"]}, "rule 1: must be a table"),
        (GOOD | {"rules": [{}]}, "rule 1: group is missing"),
        (rule(group="Tom, Dick"), "rule 1: a group's name is"),
        (rule(priority=True), "rule 1: priority must be a whole number from 0 to 100"),
        (rule(priority=101), "rule 1: priority must be"),
        (rule(prioritiy=1), "rule 1: unknown key prioritiy"),
        (rule(when=3), "rule 1: when must be a table"),
        (rule(when={"vip": 3}), "rule 1: unknown condition vip; known: vip_level_above"),
        (rule(when={"vip_level_above": "3"}), "rule 1: vip_level_above must be a number"),
        (rule(when={"vip_level_above": float("nan")}), "vip_level_above must be a number"),
        (rule(when={"purchased_within_days": 0}), "must be a number above 0"),
        (rule(when={"tags_any": []}), "rule 1: tags_any must be a list"),
        (rule(when={"tags_any": [1]}), "rule 1: tags_any must be a list"),
        (rule(when={"source": ""}), "rule 1: source must be a text"),
        (rule(when={"hours": [9]}), "rule 1: hours must be two different whole hours"),
        (rule(when={"hours": [9, 9]}), "rule 1: hours must be"),
        (rule(when={"hours": [9, 25]}), "rule 1: hours must be"),
    ],
)
def test_a_wrong_document_is_refused_with_the_place_and_the_reason(
    document: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadRule) as refused:
        rules_from(document)
    assert says in str(refused.value)


def test_every_problem_is_told_at_once() -> None:
    document = GOOD | {"rules": [{"group": "all", "priority": -1}, {"group": "gone"}]}
    with pytest.raises(BadRule) as refused:
        rules_from(document)
    assert [line[:6] for line in str(refused.value).splitlines()] == ["rule 1", "rule 2"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
FACTS = ["vip_level", "last_purchase_ms", "tags", "source", "language", "previous_agent"]
EVERYTHING: dict[str, Any] = {
    "vip_level_above": 3,
    "purchased_within_days": 7,
    "tags_any": ["vip"],
    "source": "a",
    "language": "en",
    "previous_agent": "b",
    "hours": [0, 24],
}


@given(st.dictionaries(st.sampled_from(FACTS), json_values))
def test_no_fact_however_odd_stops_the_routing(facts: dict[str, Any]) -> None:
    assert set(EVERYTHING) == set(CONDITIONS)
    for name, value in EVERYTHING.items():
        assert matches({name: value}, facts) in (True, False)
