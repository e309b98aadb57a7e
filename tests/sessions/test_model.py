"""A model of all conversations, walked at random beside the real scripts on the real Redis.

After each step the whole account is read and must agree: one open conversation per customer, seats held
by exactly those who are served, the queue by exactly those who wait, a deadline for each of them, every
accepted message once and in order, nobody above his seats.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sessions.change import Change
from sessions.machine import (
    HOLDINGS,
    Details,
    Event,
    Timer,
    apply,
    apply_all,
    held_seats,
)
from sessions.messages import SystemLine
from sessions.model import Conflict, Delivery, Session, State
from sessions.seats import Status
from sessions.store.conversations import NoRoom, ReplyRefused
from sessions.store.keys import timer_member
from sessions.store.outbox import Verdict
from sessions.store.scripts import Scripts
from tests.sessions.conftest import GROUP, Bench

AGENTS = ("a@x", "b@x", "c@x")
CUSTOMERS = ("o1", "o2", "o3", "o4", "o5", "o6")
SEATS = 2


class Conversations(RuleBasedStateMachine):
    """The rules an account lives by; ``scripts`` is set by the test."""

    scripts: Scripts

    @initialize()
    def begin(self) -> None:
        self.bench = Bench(self.scripts, "wx" + secrets.token_hex(8))
        self.said: dict[str, list[str]] = defaultdict(list)
        self.answered: dict[str, list[str]] = defaultdict(list)
        self.last_push: Any = None
        for name in AGENTS:
            self.bench.agent(name, seats=SEATS)
            self.status(name, Status.OFFLINE)

    def status(self, name: str, status: Status) -> None:
        self.bench.seats.set_status(name, status, refuse_while_holding=False)

    def open_sessions(self) -> list[Session]:
        return self.bench.queries.sessions(self.bench.queries.live(0, 100))

    def answers_cut(self) -> int:
        """Who got no answer asked again and hears that it was done."""
        return 0

    def pick(self, number: int, *states: State) -> Session | None:
        fitting = sorted(
            (s for s in self.open_sessions() if s.state in states), key=lambda s: s.openid
        )
        return fitting[number % len(fitting)] if fitting else None

    def commit(self, session: Session, *steps: tuple[Event, Details], **more: Any) -> None:
        now_ms = self.bench.store.load(session.id).now_ms
        after = apply_all(session, steps, now_ms)
        self.bench.store.commit(Change(session, after, **more))

    @rule(customer=st.sampled_from(CUSTOMERS), order=st.permutations(AGENTS))
    def customer_writes(self, customer: str, order: list[str]) -> None:
        text = f"{customer}-{len(self.said[customer])}"
        self.last_push, cuts = self.bench.push(customer, text), self.answers_cut()
        outcome = self.bench.arrive(self.last_push, order, queue_max=4)
        self.said[customer].append(text)
        assert not outcome.repeated or self.answers_cut() > cuts

    @precondition(lambda self: self.last_push is not None)
    @rule(order=st.permutations(AGENTS))
    def wechat_delivers_the_last_push_again(self, order: list[str]) -> None:
        assert self.bench.arrive(self.last_push, order, queue_max=4).repeated

    @rule(name=st.sampled_from(AGENTS))
    def agent_comes_online(self, name: str) -> None:
        self.status(name, Status.ONLINE)
        self.bench.store.drain(name, [GROUP])

    @rule(name=st.sampled_from(AGENTS))
    def agent_goes_away(self, name: str) -> None:
        self.status(name, Status.AWAY)

    @rule(name=st.sampled_from(AGENTS))
    def agent_is_lost_and_what_he_held_goes_to_the_head_of_the_queue(self, name: str) -> None:
        self.status(name, Status.OFFLINE)
        for sid in sorted(self.bench.seats.held(name)):
            session = self.bench.store.load(sid).session
            if session.state is State.TRANSFERING and session.kf_account != name:
                self.commit(session, (Event.TRANSFER_FAILED, Details()), check_room=False)
                continue
            asked = (Event.TRANSFER_ASKED, Details(by="agent_lost"))
            steps = () if session.state is State.TRANSFERING else (asked,)
            requeued = (Event.TRANSFER_REQUEUED, Details())
            self.commit(session, *steps, requeued, at_head=True, check_room=False)

    @rule(number=st.integers(0, 9), to=st.sampled_from(AGENTS), consent=st.booleans())
    def owner_transfers(self, number: int, to: str, consent: bool) -> None:
        session = self.pick(number, State.SERVING)
        if session is None or session.kf_account == to:
            return
        asked = (Event.TRANSFER_ASKED, Details(kf_account=to, by=session.kf_account))
        confirmed = () if consent else ((Event.TRANSFER_CONFIRMED, Details()),)
        try:
            self.commit(session, asked, *confirmed)
        except NoRoom:
            assert self.bench.store.load(session.id).session == session

    @rule(number=st.integers(0, 9), agreed=st.booleans())
    def asked_agent_answers(self, number: int, agreed: bool) -> None:
        session = self.pick(number, State.TRANSFERING)
        if session is not None:
            event = Event.TRANSFER_CONFIRMED if agreed else Event.TRANSFER_FAILED
            self.commit(session, (event, Details()), check_room=False)

    @rule(number=st.integers(0, 9), repeats=st.integers(1, 2))
    def owner_replies(self, number: int, repeats: int) -> None:
        session = self.pick(number, State.SERVING, State.TRANSFERING)
        if session is None:
            return
        text = f"re-{session.openid}-{len(self.answered[session.openid])}"
        try:
            for _ in range(repeats):
                self.bench.reply(session.id, session.kf_account, text, text)
        except ReplyRefused as refused:
            assert refused.reason == "reply_budget_spent"
        else:
            self.answered[session.openid].append(text)

    @rule(outcome=st.sampled_from([Delivery.SENT, Delivery.FAILED, Delivery.UNKNOWN]))
    def sender_sends_one(self, outcome: Delivery) -> None:
        claim = self.bench.outbox.claim(secrets.token_hex(4))
        if claim is not None:
            verdict = Verdict.RETURNED if outcome is Delivery.FAILED else Verdict.SPENT
            assert self.bench.outbox.settle(claim, outcome, verdict, 0, "")

    @rule(number=st.integers(0, 9))
    def conversation_closes(self, number: int) -> None:
        session = self.pick(number, *(set(State) - {State.CLOSED}))
        if session is None:
            return
        self.commit(session, (Event.CLOSED_BY_SUPERVISOR, Details()), lines=(SystemLine("closed"),))
        with pytest.raises(Conflict):
            self.commit(session, (Event.CLOSED_BY_SUPERVISOR, Details()))
        if session.kf_account:
            self.bench.store.drain(session.kf_account, [GROUP])

    @rule(number=st.integers(0, 9), writes_meanwhile=st.booleans())
    def idle_sweep_meets_a_conversation(self, number: int, writes_meanwhile: bool) -> None:
        session = self.pick(number, State.SERVING)
        if session is None:
            return
        after = apply(session, Event.IDLE, session.last_active_ms, Details())
        change = Change(session, after, guard_in_seq=True)
        if not writes_meanwhile:
            self.bench.store.commit(change)
            return
        self.customer_writes(session.openid, list(AGENTS))
        with pytest.raises(Conflict):
            self.bench.store.commit(change)

    @invariant()
    def everything_agrees(self) -> None:
        sessions = self.open_sessions()
        self.check_one_each(sessions)
        self.check_seats(sessions)
        self.check_queue_and_timers(sessions)
        self.check_messages()

    def check_one_each(self, sessions: list[Session]) -> None:
        assert len({s.openid for s in sessions}) == len(sessions)
        for customer in CUSTOMERS:
            found = self.bench.store.customer(customer)[0].open_session
            assert [s.id for s in sessions if s.openid == customer] == ([found] if found else [])

    def check_seats(self, sessions: list[Session]) -> None:
        for name in AGENTS:
            held = {s.id for s in sessions if name in held_seats(s)}
            assert self.bench.seats.held(name) == held
            assert len(held) <= SEATS
        seated = [s for s in sessions if HOLDINGS[s.state].owner_seat]
        assert self.bench.seats.crowd(GROUP, []).seated == len(seated)

    def check_queue_and_timers(self, sessions: list[Session]) -> None:
        waiting = {s.id for s in sessions if s.state is State.WAITING}
        assert set(self.bench.queries.waiting([GROUP], 100)) == waiting
        timers = {(s, timer) for s in sessions for timer in HOLDINGS[s.state].timers}
        may_lack = {(s, timer) for s, timer in timers if timer is Timer.REPLY and not s.unanswered}
        held = set(self.bench.queries.due_timers(2**53, 1000))
        assert held <= {timer_member(s.id, timer) for s, timer in timers}
        assert held >= {timer_member(s.id, timer) for s, timer in timers - may_lack}

    def check_messages(self) -> None:
        everything = [*self.bench.queries.live(0, 100), *self.bench.queries.closed(1000)]
        stored: dict[tuple[str, str], list[str]] = defaultdict(list)
        for session in self.bench.queries.sessions(everything):
            mine = self.bench.queries.messages(session.id, 0, 500)
            assert [m["seq"] for m in mine] == list(range(1, len(mine) + 1))
            for direction in ("in", "out"):
                texts = [m["text"] for m in mine if m["direction"] == direction]
                assert texts == sorted(texts, key=lambda t: int(t.rpartition("-")[2]))
                stored[session.openid, direction] += texts
        for customer in CUSTOMERS:
            assert sorted(stored[customer, "in"]) == sorted(self.said[customer])
            assert sorted(stored[customer, "out"]) == sorted(self.answered[customer])


def test_random_lives_of_an_account_keep_every_promise(scripts: Scripts) -> None:
    Conversations.scripts = scripts
    run_state_machine_as_test(
        Conversations,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
