"""The roster: a snapshot of agents with a ring for each group."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mmh3 import hash64

from routing import ring
from routing.agents import Agent, Roster
from routing.ring import Ring
from tests.work import calls_made


def agent(name: str, *groups: str, weight: int = 5, online: bool = True) -> Agent:
    return Agent(name, weight, frozenset(groups or ("support",)), online)


def test_a_groups_ring_holds_its_online_agents_only() -> None:
    roster = Roster.of(
        [agent("amy"), agent("bob", online=False), agent("cat", "sales"), agent("dan", "a", "b")]
    )
    assert roster.online_in("support") == ("amy",)
    assert roster.ring("support").home("anybody") == "amy"
    assert roster.online_in("a") == roster.online_in("b") == ("dan",)
    assert roster.agent("bob").online is False
    with pytest.raises(KeyError):
        roster.agent("nobody")


def test_a_group_without_anybody_has_an_empty_ring_and_a_weight_that_can_divide() -> None:
    roster = Roster.of([agent("bob", online=False)])
    assert roster.ring("support") == roster.ring("unheard of") == Ring()
    assert roster.weight_of("support") == 1


def test_the_weight_of_a_group_is_the_seats_of_its_online_agents() -> None:
    roster = Roster.of(
        [agent("amy", weight=3), agent("bob", weight=4), agent("cat", weight=9, online=False)]
    )
    assert roster.weight_of("support") == 7


def test_a_new_roster_keeps_the_rings_that_did_not_change() -> None:
    before = Roster.of([agent("amy"), agent("bob", "sales")])
    after = Roster.of([agent("amy"), agent("bob", "sales", online=False)], before)
    assert after.ring("support") is before.ring("support")
    assert after.online_in("sales") == ()


def test_a_roster_made_from_another_equals_one_made_anew() -> None:
    crew = [agent(f"a{n}", weight=n % 7 + 1) for n in range(40)]
    roster = Roster.of(crew)
    for turn in range(40):
        crew[turn] = replace(crew[turn], online=turn % 3 > 0, weight=turn % 5 + 1)
        roster = Roster.of(crew, roster)
    assert roster.ring("support") == Roster.of(crew).ring("support")


def test_one_agent_coming_or_going_among_a_thousand_hashes_only_their_own_points(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd = Ring.of((f"agent{n:04d}@gh_demo", 5) for n in range(1000))
    hashed: list[str] = []
    monkeypatch.setattr(ring, "hash64", lambda key, **how: hashed.append(key) or hash64(key, **how))
    crowd.add("newcomer@gh_demo", 5)
    crowd.remove("agent0500@gh_demo")
    assert len(hashed) == 2 * ring.vnode_count(5)
    points = 1000 * ring.vnode_count(5)
    assert calls_made(lambda: crowd.add("another@gh_demo", 5)) < points / 10
