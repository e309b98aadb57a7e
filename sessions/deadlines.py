"""When a conversation's timers are due and what a due timer means. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.machine import HOLDINGS, Event, Timer
from sessions.model import Session, State


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The lengths of all deadlines, milliseconds."""

    idle_ms: int
    wait_ms: int
    transfer_ms: int


@dataclass(frozen=True, slots=True)
class Rearm:
    """The timer rang early (there was activity since): set it to ``due_ms``."""

    due_ms: int


def due_at(session: Session, timer: Timer, deadlines: Deadlines) -> int:
    """When the timer of this conversation ends, ms."""
    if timer is Timer.WAIT:
        return session.waiting_since_ms + deadlines.wait_ms
    if timer is Timer.TRANSFER:
        return session.transfer_expires_ms
    return session.last_active_ms + deadlines.idle_ms


def armed(session: Session, deadlines: Deadlines) -> dict[Timer, int]:
    """Every timer the conversation's state holds, with its end, ms."""
    return {t: due_at(session, t, deadlines) for t in HOLDINGS[session.state].timers}


def ring(
    session: Session, timer: Timer, now_ms: int, deadlines: Deadlines, *, owner_present: bool
) -> Event | Rearm | None:
    """What a timer that rang means now: an event, a later end, or None when it is out of date."""
    if timer not in HOLDINGS[session.state].timers:
        return None
    end = due_at(session, timer, deadlines)
    if end > now_ms:
        return Rearm(end)
    if timer is Timer.WAIT:
        return Event.MISSED
    if timer is Timer.TRANSFER:
        return Event.TRANSFER_FAILED if owner_present else Event.TRANSFER_REQUEUED
    return Event.IDLE_UNANSWERED if session.unanswered else Event.IDLE


def queue_score(session: Session, *, at_head: bool, priority_credit_ms: int = 0) -> int:
    """Effective time in the queue, microseconds: arrival less the credit of its priority.

    Those who lost their agent stand at the head, among themselves in the order they first came.
    """
    base = session.created_ms if at_head else session.queued_ms
    return 1000 * (base - session.priority * priority_credit_ms - HEAD_CREDIT_MS * at_head)


HEAD_CREDIT_MS = 30 * 24 * 3600 * 1000
"""Larger than any priority credit or wait, so that the head stays the head."""

assert all(HOLDINGS[s].timers for s in State if s is not State.CLOSED)
