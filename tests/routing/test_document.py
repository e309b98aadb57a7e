"""What an operator writes about routing and groups, and what is said of it when it cannot be used."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.document import Plan, folded, problems, routing_from
from routing.groups import Group, group_from, setting_problems
from routing.rules import BadRule

ROOT = Path(__file__).resolve().parents[2]
ZONE = "Asia/Shanghai"
KNOWN = frozenset({"all", "vip"})
FULL: dict[str, Any] = {
    "default_group": "all",
    "timezone": "Europe/Berlin",
    "rules": [
        {"group": "vip", "priority": 9, "greeting": "贵宾您好", "when": {"vip_level_above": 3}}
    ],
    "entry": {"mode": "on_request", "words": [" 人工 ", "HUMAN"], "menu_keys": ["K"]},
    "answers": [{"words": ["营业时间", "Hours"], "text": "9:00-18:00"}],
}


def test_the_shipped_document_can_be_used() -> None:
    shipped = tomllib.loads((ROOT / "config" / "routing.toml").read_text("utf-8"))
    groups = frozenset(shipped.pop("groups"))
    routing = routing_from(shipped, ZONE, groups)
    assert routing.default_group == "general_support" and routing.entry.mode == "always"
    assert [rule.group for rule in routing.rules][:2] == ["premium_support", "retention_team"]


def test_a_document_comes_back_as_it_was_written() -> None:
    routing = routing_from(FULL, ZONE, KNOWN)
    assert routing_from(routing.as_document(), ZONE, KNOWN) == routing
    assert routing.entry.words == ("人工", "human") and routing.rules[0].greeting == "贵宾您好"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"default_group": "nowhere"}, "default_group"),
        ({"timezone": "Mars"}, "time zone"),
        ({"colour": 1}, "unknown key colour"),
        ({"rules": {}}, "rules"),
        ({"rules": [{"group": "gone"}]}, "rule 1"),
        ({"rules": [{"group": "vip", "greeting": 5}]}, "greeting"),
        ({"rules": [{"group": "vip", "when": {"shoe_size": 1}}]}, "shoe_size"),
        ({"entry": []}, "entry"),
        ({"entry": {"mode": "maybe"}}, "entry.mode"),
        ({"entry": {"words": ["", 3]}}, "entry.words"),
        ({"answers": [{"words": []}]}, "answer 1"),
        ({"answers": [{"words": ["a"], "text": " "}]}, "answer 1"),
        ({"answers": [{"words": ["a"], "text": "x"}, {"words": ["A "], "text": "y"}]}, "twice"),
    ],
)
def test_every_problem_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadRule, match=said):
        routing_from(FULL | change, ZONE, KNOWN)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
keys = st.sampled_from([*FULL, "hours", "assign", "fallback_after_s", "ramp_s", "entry"])


@given(st.dictionaries(keys, json_like))
def test_whatever_is_written_is_judged_never_crashed_on(document: dict[str, Any]) -> None:
    assert all(isinstance(line, str) for line in problems(document, KNOWN))
    assert all(isinstance(line, str) for line in setting_problems(document))


def test_a_groups_settings_become_what_routing_asks() -> None:
    settings = {
        "fallback_after_s": 30,
        "assign": "manual",
        "hours": {"weekly": {"mon": ["09:00-18:00"]}},
    }
    assert list(setting_problems(settings)) == []
    group = group_from("vip", "贵宾", "all", settings, ["amy@x"], ZONE)
    assert not group.seats_by_itself and group.fallback_after_s == 30 and group.hours is not None
    assert group.hours.timezone == ZONE
    assert group_from("g", "t", None, {}, [], ZONE) == Group("g", "t")


@pytest.mark.parametrize(
    "settings",
    [
        {"seats": 4},
        {"fallback_after_s": -1},
        {"fallback_after_s": True},
        {"assign": "random"},
        {"entry": "never"},
        {"ramp_s": 1.5},
        {"closed_message": 7},
        {"hours": {"weekly": {"mon": ["x"]}}},
    ],
)
def test_settings_that_cannot_be_meant_are_named_by_their_field(settings: dict[str, Any]) -> None:
    (line,) = setting_problems(settings)
    assert line.startswith(next(iter(settings)))


def test_a_plan_knows_unkept_groups_as_open_ones_whom_the_default_group_helps() -> None:
    plan = Plan(routing_from(FULL, ZONE, KNOWN), {"vip": Group("vip", fallback="all")})
    assert plan.group("vip").fallback == "all" and plan.group("ghost") == Group(
        "ghost", fallback="all"
    )
    assert Plan(plan.routing).group("all") == Group("all")
    assert plan.in_use() == {"all", "vip"}


def test_words_are_compared_whole_trimmed_and_without_case() -> None:
    assert folded("  QUEUE\n") == "queue" and folded("\u3000排队 ") == "排队"
    assert folded("我要排队") != folded("排队")
