"""Field C: limits that leak, one customer for two agents, unfair shares; many clients at once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.conversations import closing, transfers, waiting
from app.conversations.transfers import drain_everywhere
from app.refusals import Refusal
from routing.groups import Group
from routing.transfer_rules import Keyword, TransferRules
from sessions.deadlines import queue_score
from sessions.model import Session, State
from sessions.seats import Status
from tests.conversations.conftest import Office
from tests.stories.conftest import GROUP, Operator, check_explained

AGENTS = ("a@x", "b@x", "c@x", "d@x")
WORDS = {"says": "你好", "cancel": "取消", "complain": "我要投诉"}
STEPS = [*WORDS, "close", "drain", "manual", "auto", "hand_on", "take", "transfer", "lose"]
MINUTE_MS = 60_000


def at_once(acts: Iterable[Callable[[], Any]], workers: int = 16) -> list[Any]:
    """All of them in threads that start together; a Refusal is an answer too."""
    todo = list(acts)
    gate = threading.Barrier(min(workers, len(todo)))

    def run(number: int) -> Any:
        if number < gate.parties:
            gate.wait()
        try:
            return todo[number]()
        except Refusal as refusal:
            return refusal.code

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, range(len(todo))))


def check_promises(office: Office) -> list[Session]:
    """Seats within limits, one owner each, queue and state agree, a timer and a true card for every one."""
    queries, seats = office.account.queries, office.account.seats
    found = queries.sessions(queries.live(0, 10_000))
    held = {seat.kf_account: seats.held(seat.kf_account) for seat in seats.all()}
    for seat in seats.all():
        assert len(held[seat.kf_account]) <= seat.seats
    owners = Counter(sid for ids in held.values() for sid in ids)
    queued = Counter(queries.waiting(queries.queue_lengths(), 10_000))
    timers = {member.rpartition(":")[0] for member in queries.due_timers(10**15, 100_000)}
    for session in found:
        assert owners[session.id] == (session.state is State.SERVING)
        assert queued[session.id] == (session.state is State.WAITING)
        assert session.id in timers
        if session.state is State.SERVING:
            assert session.id in held[session.kf_account]
        check_explained(office, session)
    return found


def test_rocketchat_22206_one_customer_is_taken_by_exactly_one_of_many(
    office: Office, operator: Operator
) -> None:
    operator.group(GROUP, assign="manual")
    for name in AGENTS:
        office.agent(name, seats=2)
    chat = office.says("o1").session_id
    answers = at_once([partial(transfers.take, office.account, chat, name) for name in AGENTS * 4])
    won = [a for a in answers if isinstance(a, Session)]
    assert len(won) == 1 and set(answers) - set(won) <= {"not_waiting", "conflict"}
    (session,) = check_promises(office)
    assert session.kf_account == won[0].kf_account


def test_rocketchat_35722_no_limit_leaks_while_everybody_writes_closes_and_drains(
    office: Office,
) -> None:
    for name in AGENTS:
        office.agent(name, seats=3)

    def one_life(n: int) -> None:
        chat = office.says(f"o{n}").session_id
        session = office.session(chat)
        if session.kf_account and n % 3:
            closing.close_by_agent(office.account, chat, session.kf_account)
        if not n % 5:
            drain_everywhere(office.account)

    at_once([partial(one_life, n) for n in range(60)])
    drain_everywhere(office.account)
    open_ones = check_promises(office)
    free = 12 - sum(s.state is State.SERVING for s in open_ones)
    assert not free or not any(s.state is State.WAITING for s in open_ones)


def test_whoever_drains_at_the_same_moment_the_queue_is_seated_in_its_order(
    office: Office,
) -> None:
    at_once([partial(office.says, f"o{n}") for n in range(40)])
    queue = office.account.queries.waiting([GROUP], 100)
    for name in AGENTS:
        office.account.seats.put(name, name, 8, ())
        office.account.seats.set_status(name, Status.ONLINE, refuse_while_holding=False)
    at_once([partial(office.account.store.drain, name, [GROUP]) for name in AGENTS * 3])
    told = [t for t in office.account.stream.recent() if t.type == "session.assigned"]
    assert [t.session_id for t in told] == queue[:32]
    assert office.account.queries.waiting([GROUP], 100) == queue[32:]


def test_chatwoot_11034_load_is_shared_within_the_bound(office: Office) -> None:
    for name in AGENTS:
        office.agent(name, seats=20)
    for n in range(40):
        office.says(f"o{n}")
    loads = office.account.seats.crowd(GROUP, AGENTS).loads
    assert max(loads.values()) <= 13  # 1.25 times the fair share of ten, rounded up
    assert sum(loads.values()) == 40


def test_chatwoot_10059_two_groups_with_hand_over_seat_nobody_twice(
    office: Office, operator: Operator
) -> None:
    operator.new_group(Group("vip", fallback=GROUP, fallback_after_s=0))
    operator.routing(default_group="vip")
    office.agent("v@x", seats=2, groups=["vip"])
    office.agent("a@x", seats=3, groups=[GROUP])
    for n in range(12):
        office.says(f"o{n}")
    now_ms = office.account.store.now_ms()
    hand_on = [lambda: waiting.hand_on(office.account, "vip", now_ms)] * 8
    at_once([*hand_on, *[lambda: drain_everywhere(office.account)] * 4])
    open_ones = check_promises(office)
    assert Counter(s.kf_account for s in open_ones) == {"v@x": 2, "a@x": 3, "": 7}


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(STEPS),
            st.integers(0, 5),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_whatever_several_nodes_do_at_once_the_promises_hold(
    office: Office, operator: Operator, steps: list[tuple[str, int]]
) -> None:
    rules = TransferRules((Keyword(("投诉",), "premium_support"),))
    office.account = replace(office.account, transfer_rules=lambda: rules)
    office.agent("a@x", seats=2)
    office.agent("v@x", seats=2, groups=["premium_support"])
    now_ms = office.account.store.now_ms()

    def step(name: str, n: int) -> None:
        chat = office.account.store.customer(f"o{n}")[0].open_session
        if name in WORDS:
            office.says(f"o{n}", WORDS[name])
        elif name == "take" and chat:
            transfers.take(office.account, chat, "v@x")
        elif name == "transfer" and chat:
            transfers.transfer(office.account, chat, "a@x", "v@x", "", "")
        elif name == "lose":
            transfers.give_up_all(office.account, "va"[n % 2] + "@x", "agent_lost")
        elif name == "close" and chat:
            closing.close_by_supervisor(office.account, chat, "boss")
        elif name in ("manual", "auto"):
            operator.group(GROUP, assign=name)
        elif name == "hand_on":
            waiting.tend(office.account, now_ms)
        else:
            drain_everywhere(office.account)

    at_once([partial(step, *s) for s in steps], workers=6)
    operator.group(GROUP, assign="auto")
    drain_everywhere(office.account)
    check_promises(office)


@given(
    priority=st.integers(0, 100),
    other=st.integers(0, 100),
    apart_min=st.integers(0, 300),
)
def test_a_priority_is_worth_minutes_so_that_nobody_starves(
    priority: int, other: int, apart_min: int
) -> None:
    early = Session("s1", "o1", State.WAITING, priority=priority, queued_ms=10**12)
    later_ms = early.queued_ms + apart_min * MINUTE_MS
    late = Session("s2", "o2", State.WAITING, priority=other, queued_ms=later_ms)
    first, second = (
        queue_score(s, at_head=False, priority_credit_ms=MINUTE_MS) for s in (early, late)
    )
    assert (second < first) == (other - priority > apart_min)


@pytest.mark.parametrize("limit", [1, 2])
def test_a_queue_that_is_full_says_so_and_keeps_the_message(office: Office, limit: int) -> None:
    key = office.account.store.keys.of("queue", GROUP)
    many = office.account.policy.queue_max - limit
    office.account.queries._redis.zadd(key, {f"s{n}": n for n in range(many)})
    results = [office.says(f"o{n}").result for n in range(limit + 1)]
    assert results == ["queued"] * limit + ["queue_full"]
