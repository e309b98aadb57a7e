"""The life of a conversation: one table of transitions, one table of what each state holds.

Theory. An event moves a conversation from a state to a state (``TRANSITIONS``). What it occupies (the
owner's seat, a reserved seat, a place in the queue, timers) is not listed per transition but follows from
the state alone (``HOLDINGS``); a transition takes what the new state holds and the old one did not, and
frees the rest. A seat can therefore not leak through a forgotten effect.

Rules of this file: pure; no I/O, no clock (``now_ms`` is an argument); a refused event changes nothing and
its error names state and event; ``version`` grows by one per transition, ``owner_epoch`` with each new owner.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sessions.model import CloseReason, Session, SessionError, State


class Event(enum.StrEnum):
    """What can happen to a conversation."""

    ARRIVED_SEATED = "arrived, seat free"
    ARRIVED_QUEUED = "arrived, must wait"
    ARRIVED_FULL = "arrived, queue full"
    SEATED = "seated from the queue"
    HANDED_ON = "handed on to another group"
    TRANSFER_ASKED = "transfer asked"
    TRANSFER_CONFIRMED = "transfer confirmed"
    TRANSFER_FAILED = "transfer failed, old agent present"
    TRANSFER_REQUEUED = "transfer failed, old agent gone"
    CLOSED_BY_AGENT = "closed by agent"
    CLOSED_BY_CUSTOMER = "closed by customer"
    CLOSED_BY_SUPERVISOR = "closed by supervisor"
    UNSUBSCRIBED = "customer unsubscribed"
    IDLE = "idle"
    IDLE_UNANSWERED = "idle, unanswered"
    MISSED = "waited too long"


TRANSITIONS: Final[dict[tuple[State | None, Event], State]] = {
    (None, Event.ARRIVED_SEATED): State.SERVING,
    (None, Event.ARRIVED_QUEUED): State.WAITING,
    (None, Event.ARRIVED_FULL): State.CLOSED,
    (State.WAITING, Event.SEATED): State.SERVING,
    (State.WAITING, Event.HANDED_ON): State.WAITING,
    (State.WAITING, Event.CLOSED_BY_CUSTOMER): State.CLOSED,
    (State.WAITING, Event.CLOSED_BY_SUPERVISOR): State.CLOSED,
    (State.WAITING, Event.UNSUBSCRIBED): State.CLOSED,
    (State.WAITING, Event.MISSED): State.CLOSED,
    (State.SERVING, Event.TRANSFER_ASKED): State.TRANSFERING,
    (State.SERVING, Event.CLOSED_BY_AGENT): State.CLOSED,
    (State.SERVING, Event.CLOSED_BY_CUSTOMER): State.CLOSED,
    (State.SERVING, Event.CLOSED_BY_SUPERVISOR): State.CLOSED,
    (State.SERVING, Event.UNSUBSCRIBED): State.CLOSED,
    (State.SERVING, Event.IDLE): State.CLOSED,
    (State.SERVING, Event.IDLE_UNANSWERED): State.CLOSED,
    (State.TRANSFERING, Event.TRANSFER_CONFIRMED): State.SERVING,
    (State.TRANSFERING, Event.TRANSFER_FAILED): State.SERVING,
    (State.TRANSFERING, Event.TRANSFER_REQUEUED): State.WAITING,
    (State.TRANSFERING, Event.CLOSED_BY_AGENT): State.CLOSED,
    (State.TRANSFERING, Event.CLOSED_BY_CUSTOMER): State.CLOSED,
    (State.TRANSFERING, Event.CLOSED_BY_SUPERVISOR): State.CLOSED,
    (State.TRANSFERING, Event.UNSUBSCRIBED): State.CLOSED,
    (State.TRANSFERING, Event.IDLE): State.CLOSED,
    (State.TRANSFERING, Event.IDLE_UNANSWERED): State.CLOSED,
}

CLOSE_REASONS: Final[dict[Event, CloseReason]] = {
    Event.ARRIVED_FULL: CloseReason.QUEUE_FULL,
    Event.CLOSED_BY_AGENT: CloseReason.AGENT,
    Event.CLOSED_BY_CUSTOMER: CloseReason.CUSTOMER,
    Event.CLOSED_BY_SUPERVISOR: CloseReason.SUPERVISOR,
    Event.UNSUBSCRIBED: CloseReason.UNSUBSCRIBED,
    Event.IDLE: CloseReason.IDLE,
    Event.IDLE_UNANSWERED: CloseReason.IDLE_UNANSWERED,
    Event.MISSED: CloseReason.MISSED,
}


class Timer(enum.StrEnum):
    """Deadlines stored in Redis; each state but CLOSED has at least one.

    REPLY (the customer waits for an answer) and LIMIT (served very long) may be switched off; they lead to
    no state by themselves. REPLY is not set while nothing is unanswered: the next question sets it.
    """

    WAIT = "wait"
    IDLE = "idle"
    TRANSFER = "transfer"
    REPLY = "reply"
    LIMIT = "limit"


REMINDERS: Final = frozenset({Timer.REPLY, Timer.LIMIT})
"""Timers that lead to no state by themselves: they may wait while others close conversations."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a conversation occupies while in a state."""

    owner_seat: bool = False
    target_seat: bool = False
    queue_place: bool = False
    timers: tuple[Timer, ...] = ()


HOLDINGS: Final[dict[State, Holdings]] = {
    State.WAITING: Holdings(queue_place=True, timers=(Timer.WAIT,)),
    State.SERVING: Holdings(owner_seat=True, timers=(Timer.IDLE, Timer.REPLY, Timer.LIMIT)),
    State.TRANSFERING: Holdings(
        owner_seat=True, target_seat=True, timers=(Timer.IDLE, Timer.TRANSFER)
    ),
    State.CLOSED: Holdings(),
}


class EventRefused(SessionError):
    """The event is not possible in this state; nothing changed."""

    def __init__(self, state: State | None, event: Event) -> None:
        super().__init__(f"{event.value!r} is not possible in {state or '(no conversation)'}")
        self.state = state
        self.event = event


@dataclass(frozen=True, slots=True)
class Details:
    """Who and what an event concerns; only the fields its event reads matter."""

    kf_account: str = ""
    group: str = ""
    by: str = ""
    note: str = ""
    expires_ms: int = 0


def next_state(state: State | None, event: Event) -> State:
    """Return the state after ``event``. Raises EventRefused where the table has no row."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise EventRefused(state, event) from None


def apply(session: Session, event: Event, now_ms: int, details: Details) -> Session:
    """Return the conversation after ``event``; the given one is unchanged."""
    state = next_state(session.state, event)
    changes: dict[str, Any] = {"state": state, "version": session.version + 1}
    if state is State.CLOSED:
        changes |= {"closed_ms": now_ms, "close_reason": CLOSE_REASONS[event].value}
    elif event in (Event.SEATED, Event.TRANSFER_CONFIRMED):
        changes |= _new_owner(session, event, now_ms, details)
    elif event is Event.TRANSFER_ASKED:
        changes |= _asked(session, details)
    elif event is Event.HANDED_ON:
        changes |= {"group": details.group or session.group}
    elif event is Event.TRANSFER_REQUEUED:
        changes |= {"kf_account": "", "waiting_since_ms": now_ms, "unread": session.unanswered}
        changes |= {"owner_epoch": session.owner_epoch + 1, "group": details.group or session.group}
    if session.state is State.TRANSFERING:
        changes |= _NO_TRANSFER
    return replace(session, **changes)


def apply_all(session: Session, events: Sequence[tuple[Event, Details]], now_ms: int) -> Session:
    """Return the conversation after several transitions that are committed as one."""
    for event, details in events:
        session = apply(session, event, now_ms, details)
    return session


def held_seats(session: Session) -> frozenset[str]:
    """Return the kf_accounts whose seat this conversation occupies or reserves."""
    holds = HOLDINGS[session.state]
    seats = {session.kf_account} if holds.owner_seat else set()
    if holds.target_seat:
        seats.add(session.transfer_to)
    return frozenset(seats - {""})


def _new_owner(session: Session, event: Event, now_ms: int, details: Details) -> dict[str, Any]:
    transfer = event is Event.TRANSFER_CONFIRMED
    owner = session.transfer_to if transfer else details.kf_account
    group = session.transfer_to_group if transfer else ""
    return {
        "kf_account": owner,
        "group": group or session.group,
        "owner_epoch": session.owner_epoch + 1,
        "assigned_ms": now_ms,
        "first_assigned_ms": session.first_assigned_ms or now_ms,
        "waiting_since_ms": 0,
        "last_active_ms": now_ms,
        "unread": max(session.unanswered, 1 if transfer else session.unread),
    }


def _asked(session: Session, details: Details) -> dict[str, Any]:
    return {
        "transfer_to": details.kf_account,
        "transfer_to_group": details.group,
        "transfer_by": details.by,
        "transfer_note": details.note,
        "transfer_expires_ms": details.expires_ms,
    }


_NO_TRANSFER: Final[dict[str, Any]] = {
    "transfer_to": "",
    "transfer_to_group": "",
    "transfer_by": "",
    "transfer_note": "",
    "transfer_expires_ms": 0,
}
