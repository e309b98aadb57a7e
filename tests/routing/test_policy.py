"""Who is asked, who is chosen, and what the card says about it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.agents import Agent, Roster
from routing.policy import (
    PASSED_SHOWN,
    Assign,
    Bound,
    Candidate,
    Load,
    Queue,
    Wish,
    candidates,
    decide,
    passed_over,
    preferences,
)

GROUP = "support"
NOBODY: frozenset[str] = frozenset()


def agent(name: str, seats: int = 5, *groups: str, online: bool = True) -> Agent:
    return Agent(name, seats, frozenset(groups or (GROUP,)), online)


def wish(openid: str = "o1", previous: str | None = None, exclude: frozenset[str] = NOBODY) -> Wish:
    return Wish(openid, GROUP, previous, exclude)


def asked(roster: Roster, wanted: Wish, limit: int = 16) -> tuple[Candidate, ...]:
    return candidates(roster.ring(wanted.group), roster, wanted, limit)


def names(cands: tuple[Candidate, ...]) -> list[str]:
    return [candidate.kf_account for candidate in cands]


def choose(
    roster: Roster,
    taken: Mapping[str, int],
    wanted: Wish | None = None,
    *,
    factor: float = 1.25,
    waiting: int = 0,
) -> Assign | Queue:
    """Decides as the use cases do, with ``taken`` seats by agent."""
    wanted = wanted or wish()
    cands = asked(roster, wanted, len(roster.agents))
    loads = {n: Load(taken.get(n, 0), roster.agent(n).weight) for n in names(cands)}
    bound = Bound(sum(taken.values()), roster.weight_of(GROUP), factor)
    return decide(wanted, cands, loads, bound, waiting, passed_over(roster, wanted))


def three(**taken: int) -> tuple[Roster, dict[str, int]]:
    return Roster.of([agent("amy"), agent("bob"), agent("cat")]), taken


def test_candidates_come_clockwise_from_the_customers_point() -> None:
    roster = Roster.of([agent(f"a{n}") for n in range(30)])
    cands = asked(roster, wish("o7"), 16)
    assert names(cands) == list(roster.ring(GROUP).walk("o7"))[:16]
    assert {c.why for c in cands} == {"ring"}
    assert [c.position for c in cands] == list(range(16))


def test_the_agent_who_served_last_is_asked_first_and_only_once() -> None:
    roster = Roster.of([agent(f"a{n}") for n in range(9)])
    last = list(roster.ring(GROUP).walk("o7"))[5]
    cands = asked(roster, wish("o7", previous=last))
    assert (cands[0].kf_account, cands[0].why) == (last, "previous")
    assert sorted(names(cands)) == sorted(roster.agents)


@pytest.mark.parametrize(
    ("last", "exclude"),
    [("gone", NOBODY), ("off", NOBODY), ("other", NOBODY), ("amy", frozenset({"amy"}))],
)
def test_a_previous_agent_who_cannot_serve_is_not_asked(last: str, exclude: frozenset[str]) -> None:
    others = [agent("off", online=False), agent("other", 5, "sales")]
    roster = Roster.of([agent("amy"), agent("bob"), *others])
    assert last not in names(asked(roster, wish("o1", last, exclude)))


def test_an_empty_group_has_no_candidates() -> None:
    assert asked(Roster.of([]), wish()) == ()


@pytest.mark.parametrize(
    ("total", "weight", "total_weight", "factor", "cap"),
    [
        (0, 5, 15, 1.25, 1),
        (9, 5, 15, 1.0, 4),
        (9, 5, 15, 1.25, 5),
        (11, 5, 15, 1.0, 4),  # 12 / 3 is whole and stays whole
        (99, 10, 100, 1.1, 11),  # 1.1 * 0.1 * 100 is above 11 in floating point
        (0, 1, 10_000, 1.0, 1),
    ],
)
def test_the_cap_is_the_papers(
    total: int, weight: int, total_weight: int, factor: float, cap: int
) -> None:
    assert Bound(total, total_weight, factor).cap(weight) == cap


def test_a_home_agent_below_seats_and_cap_gets_the_customer() -> None:
    roster, taken = three()
    made = choose(roster, taken)
    assert isinstance(made, Assign)
    assert made.kf_account == next(roster.ring(GROUP).walk("o1"))
    assert made.why.reason == "ring"


def test_the_previous_agent_is_bound_by_seats_and_cap_like_everybody() -> None:
    roster, _ = three()
    kept = choose(roster, {"amy": 1, "bob": 1, "cat": 1}, wish(previous="cat"))
    over = choose(roster, {"cat": 3}, wish(previous="cat"))
    full = choose(roster, {"cat": 5, "amy": 4, "bob": 4}, wish(previous="cat"))
    assert isinstance(kept, Assign) and isinstance(over, Assign) and isinstance(full, Assign)
    assert (kept.kf_account, kept.why.reason) == ("cat", "previous")
    assert over.kf_account != "cat" and full.kf_account != "cat"


def test_a_free_seat_above_every_cap_is_used_by_the_least_loaded() -> None:
    """With the quiet agents full and the rest above their caps, a customer must not wait."""
    roster = Roster.of([agent("one", 1), agent("big", 10), agent("two", 10)])
    loads = {"one": Load(1, 1), "big": Load(8, 10), "two": Load(7, 10)}
    cands = asked(roster, wish())
    made = decide(wish(), cands, loads, Bound(3, 21, 1.0), 0)
    assert isinstance(made, Assign)
    assert (made.kf_account, made.why.reason) == ("two", "over_cap")
    assert {s.kf_account: s.reason for s in made.why.skipped} == {"one": "full", "big": "over_cap"}


def test_nobody_passes_those_who_wait() -> None:
    roster, taken = three()
    made = choose(roster, taken, waiting=1)
    assert isinstance(made, Queue) and made.reason == "others_wait_first"
    assert len(made.why.considered) == 3


@pytest.mark.parametrize(
    ("agents", "taken", "exclude", "reason"),
    [
        ([], {}, NOBODY, "nobody_online"),
        ([agent("amy", online=False)], {}, NOBODY, "nobody_online"),
        ([agent("amy")], {}, frozenset({"amy"}), "all_excluded"),
        ([agent("amy", 2)], {"amy": 2}, NOBODY, "all_full"),
        ([agent("amy", 0)], {}, NOBODY, "all_full"),
    ],
)
def test_a_customer_who_cannot_be_seated_waits_for_a_told_reason(
    agents: list[Agent], taken: dict[str, int], exclude: frozenset[str], reason: str
) -> None:
    made = choose(Roster.of(agents), taken, wish(exclude=exclude))
    assert isinstance(made, Queue)
    assert made.reason == made.why.reason == reason
    assert made.why.chosen is None


def test_the_card_names_everybody_who_could_not_serve_and_why() -> None:
    roster = Roster.of(
        [agent("amy"), agent("bob"), agent("off", online=False), agent("sales", 5, "sales")]
    )
    passed = passed_over(roster, wish(previous="gone", exclude=frozenset({"bob"})))
    assert [(s.kf_account, s.reason) for s in passed] == [
        ("gone", "unknown"),
        ("bob", "excluded"),
        ("off", "offline"),
    ]
    (sales,) = [s for s in passed_over(roster, wish(previous="sales")) if s.kf_account == "sales"]
    assert sales.reason == "not_in_group"


def test_a_card_stays_small_in_a_large_group() -> None:
    absent = [agent(f"a{n:04d}", online=False) for n in range(500)]
    passed = passed_over(Roster.of([*absent, agent("zoe")]), wish(exclude=frozenset({"zoe"})))
    assert len(passed) == PASSED_SHOWN
    assert passed[0].kf_account == "zoe"


def test_the_card_is_json_with_the_ring_point_in_full() -> None:
    roster, taken = three(amy=1)
    card = json.loads(json.dumps(choose(roster, taken).why.as_card()))
    assert len(card["ring_point"]) == 16 and int(card["ring_point"], 16) >= 0
    assert card["result"] == "assign" and card["group"] == GROUP
    assert {c["kf_account"] for c in card["candidates"]} == {"amy", "bob", "cat"}
    assert set(card["candidates"][0]) == {"kf_account", "why", "load", "seats", "cap"}


def test_the_preferences_for_the_atomic_step_give_the_same_caps() -> None:
    roster = Roster.of([agent("amy", 3), agent("bob", 7)])
    cands = asked(roster, wish())
    loads = {n: Load(0, roster.agent(n).weight) for n in names(cands)}
    bound = Bound(17, 10, 1.25)
    for name, share in preferences(cands, loads, bound):
        live = max(1, math.ceil(share * (17 + 1) - 1e-9))  # as the script computes it
        assert live == bound.cap(roster.agent(name).weight)


agents_strategy = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 8), st.booleans()), max_size=12
)


@given(agents_strategy, st.floats(1.0, 3.0), st.text(min_size=1, max_size=8), st.integers(0, 2))
def test_no_decision_breaks_a_promise(
    people: list[tuple[int, int, bool]], factor: float, openid: str, waiting: int
) -> None:
    """Never a full agent, never above the cap while one is below, no seat idle, and the card agrees."""
    roster = Roster.of(agent(f"a{n}", seats, online=on) for n, (seats, _, on) in enumerate(people))
    taken = {f"a{n}": min(used, seats) for n, (seats, used, _) in enumerate(people)}
    made = choose(roster, taken, wish(openid), factor=factor, waiting=waiting)
    bound = Bound(sum(taken.values()), roster.weight_of(GROUP), factor)
    room = {n for n, a in roster.agents.items() if a.online and taken[n] < a.weight}
    below = {n for n in room if taken[n] < bound.cap(roster.agent(n).weight)}
    card = made.why.as_card()
    assert card["reason"] == made.why.reason and card["chosen"] == made.why.chosen
    if isinstance(made, Queue):
        assert not room or waiting
        assert card["result"] == "queue"
        return
    assert made.kf_account in (below or room)
    assert made.kf_account not in {s["kf_account"] for s in card["skipped"]}
    before = [c["kf_account"] for c in card["candidates"]]
    for name in before[: before.index(made.kf_account)] if below else []:
        assert name not in below


@given(st.lists(st.integers(1, 12), min_size=1, max_size=10), st.floats(1.0, 2.0))
def test_arrivals_fill_every_seat_and_no_load_passes_its_cap(
    seats: list[int], factor: float
) -> None:
    """Customers who come one by one: while seats are in proportion to caps nobody drowns, and all fill."""
    roster = Roster.of(agent(f"a{n}", count) for n, count in enumerate(seats))
    taken = dict.fromkeys(roster.agents, 0)
    for number in range(sum(seats)):
        made = choose(roster, taken, wish(f"o{number}"), factor=factor)
        assert isinstance(made, Assign)
        cap = Bound(number, sum(seats), factor).cap(roster.agent(made.kf_account).weight)
        assert made.why.reason == "over_cap" or taken[made.kf_account] < cap
        taken[made.kf_account] += 1
    assert taken == {f"a{n}": count for n, count in enumerate(seats)}
    assert isinstance(choose(roster, taken, wish("one more"), factor=factor), Queue)
