"""The transition table and what each state holds."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.change import Change, Notice, document
from sessions.deadlines import HEAD_CREDIT_MS, Deadlines, Rearm, armed, queue_score, ring
from sessions.machine import (
    CLOSE_REASONS,
    HOLDINGS,
    TRANSITIONS,
    Details,
    Event,
    EventRefused,
    Timer,
    apply,
    apply_all,
    held_seats,
)
from sessions.model import CloseReason, Session, State

NOW = 1_800_000_000_000
DEADLINES = Deadlines(idle_ms=1_800_000, wait_ms=86_400_000, transfer_ms=60_000)


def a_session(state: State, **more: object) -> Session:
    owner = "a@x" if HOLDINGS[state].owner_seat else ""
    target = "b@x" if HOLDINGS[state].target_seat else ""
    made = Session("s1", "o1", state, kf_account=owner, group="g", transfer_to=target, version=3)
    return replace(made, **more)  # type: ignore[arg-type]


POSSIBLE = [pair for pair in TRANSITIONS if pair[0] is not None]
REFUSED = [
    (state, event)
    for state, event in itertools.product(State, Event)
    if (state, event) not in TRANSITIONS
]


@pytest.mark.parametrize(("state", "event"), POSSIBLE)
def test_every_row_of_the_table_leads_where_it_says_and_counts_one_version(
    state: State, event: Event
) -> None:
    after = apply(a_session(state), event, NOW, Details(kf_account="b@x"))
    assert after.state is TRANSITIONS[state, event]
    assert after.version == 4


@pytest.mark.parametrize(("state", "event"), REFUSED)
def test_an_event_the_table_lacks_is_refused_naming_state_and_event(
    state: State, event: Event
) -> None:
    session = a_session(state)
    with pytest.raises(EventRefused, match=f"{event.value}.*{state}"):
        apply(session, event, NOW, Details())
    assert session == a_session(state)


def test_nothing_leads_out_of_closed_and_everything_else_leads_to_it() -> None:
    assert not [pair for pair in TRANSITIONS if pair[0] is State.CLOSED]
    for state in set(State) - {State.CLOSED}:
        assert [e for (s, e), to in TRANSITIONS.items() if s is state and to is State.CLOSED]


def test_every_close_has_its_reason_and_every_reason_its_event() -> None:
    closing = {event for (_, event), to in TRANSITIONS.items() if to is State.CLOSED}
    assert set(CLOSE_REASONS) == closing
    assert set(CLOSE_REASONS.values()) == set(CloseReason)


def test_every_state_but_closed_has_a_deadline() -> None:
    for state in State:
        timers = armed(a_session(state), DEADLINES)
        assert bool(timers) is (state is not State.CLOSED)


@pytest.mark.parametrize(("state", "event"), POSSIBLE)
def test_a_step_takes_and_frees_exactly_what_the_two_states_differ_in(
    state: State, event: Event
) -> None:
    before = a_session(state)
    after = apply(before, event, NOW, Details(kf_account="b@x", group="h"))
    doc = document(Change(before, after), DEADLINES, 0)
    assert set(doc["take"]) == held_seats(after) - held_seats(before)
    assert set(doc["free"]) == held_seats(before) - held_seats(after)
    assert ("dequeue" in doc) is (before.state is State.WAITING)
    assert ("enqueue" in doc) is (after.state is State.WAITING)
    assert set(doc["untimers"]) | set(doc["timers"][::2]) == set(Timer)


def test_a_transfer_without_consent_is_two_transitions_and_a_new_owner_epoch() -> None:
    session = a_session(State.SERVING, owner_epoch=1)
    steps = [
        (Event.TRANSFER_ASKED, Details(kf_account="b@x", group="h", by="a@x", note="n")),
        (Event.TRANSFER_CONFIRMED, Details()),
    ]
    after = apply_all(session, steps, NOW)
    assert (after.kf_account, after.group, after.owner_epoch) == ("b@x", "h", 2)
    assert (after.version, after.transfer_to, after.transfer_note) == (5, "", "")


def test_a_failed_transfer_leaves_the_old_owner_and_his_epoch() -> None:
    session = a_session(State.TRANSFERING, owner_epoch=7)
    after = apply(session, Event.TRANSFER_FAILED, NOW, Details())
    assert (after.kf_account, after.owner_epoch, after.transfer_to) == ("a@x", 7, "")


def test_a_timer_that_rings_after_activity_is_set_later_and_one_out_of_date_means_nothing() -> None:
    session = a_session(State.SERVING, last_active_ms=NOW)
    early = ring(session, Timer.IDLE, NOW + 1, DEADLINES, owner_present=True)
    assert early == Rearm(NOW + DEADLINES.idle_ms)
    assert ring(session, Timer.WAIT, NOW, DEADLINES, owner_present=True) is None


@pytest.mark.parametrize(("unanswered", "event"), [(0, Event.IDLE), (2, Event.IDLE_UNANSWERED)])
def test_an_idle_conversation_with_an_unanswered_customer_closes_as_missed_work(
    unanswered: int, event: Event
) -> None:
    session = a_session(State.SERVING, last_active_ms=NOW, unanswered=unanswered)
    end = NOW + DEADLINES.idle_ms
    assert ring(session, Timer.IDLE, end, DEADLINES, owner_present=True) is event


@pytest.mark.parametrize(
    ("present", "event"), [(True, Event.TRANSFER_FAILED), (False, Event.TRANSFER_REQUEUED)]
)
def test_a_transfer_nobody_confirmed_returns_to_the_old_agent_or_to_the_queue(
    present: bool, event: Event
) -> None:
    session = a_session(State.TRANSFERING, transfer_expires_ms=NOW)
    assert ring(session, Timer.TRANSFER, NOW, DEADLINES, owner_present=present) is event


@given(st.integers(0, 10**7), st.integers(0, 100), st.integers(0, 10**6))
def test_who_lost_his_agent_stands_before_everyone_who_never_had_one(
    later_ms: int, priority: int, credit_ms: int
) -> None:
    lost = a_session(State.WAITING, created_ms=NOW + later_ms, queued_ms=NOW + later_ms)
    other = a_session(State.WAITING, queued_ms=NOW, priority=priority)
    head = queue_score(lost, at_head=True)
    assert head < queue_score(other, at_head=False, priority_credit_ms=credit_ms)
    assert later_ms + priority * credit_ms < HEAD_CREDIT_MS


def test_an_automatic_notice_comes_with_the_line_that_says_it_was_not_sent() -> None:
    before = a_session(State.SERVING)
    after = apply(before, Event.IDLE, NOW, Details())
    doc = document(Change(before, after, notice=Notice("再见", 2)), DEADLINES, 0)
    assert doc["needs"] == 2
    assert "notice_not_sent" in doc["unsent"]
