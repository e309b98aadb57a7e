"""When a conversation's timers are due and what a due timer means. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sessions.machine import HOLDINGS, Event, Timer
from sessions.model import Session, State

MOVES_MAX: Final = 2
"""How often a rule may move one conversation to another agent."""

RETRY_MS: Final = 30_000
RETRY_MAX_MS: Final = 300_000
"""Shortest and longest pause before a conversation that nobody can take over is tried again."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The lengths of all deadlines, milliseconds; ``reply_ms`` and ``limit_ms`` 0 = off."""

    idle_ms: int
    wait_ms: int
    transfer_ms: int
    reply_ms: int = 0
    limit_ms: int = 0

    def serving(self) -> Mapping[str, int]:
        """Return the timers of a conversation that is seated now, by name."""
        lengths = {Timer.IDLE: self.idle_ms, Timer.REPLY: self.reply_ms, Timer.LIMIT: self.limit_ms}
        return {timer.value: ms for timer, ms in lengths.items() if ms}


class Overdue(enum.StrEnum):
    """What is due although the table has no event for it: a use case acts on it where it can."""

    NUDGE = "nudge"
    UNANSWERED = "unanswered"
    SERVED_LONG = "served_long"


@dataclass(frozen=True, slots=True)
class Rearm:
    """The timer fired too early, as there was activity since: set it to ``due_ms``."""

    due_ms: int


def due_at(session: Session, timer: Timer, deadlines: Deadlines) -> int:
    """Return when the timer of this conversation is due, ms."""
    if timer is Timer.WAIT:
        return session.waiting_since_ms + deadlines.wait_ms
    if timer is Timer.TRANSFER:
        return session.transfer_expires_ms
    if timer is Timer.REPLY:
        return _reply_due(session, deadlines.reply_ms)
    if timer is Timer.LIMIT:
        return session.assigned_ms + deadlines.limit_ms
    return session.last_active_ms + deadlines.idle_ms


def armed(session: Session, deadlines: Deadlines) -> dict[Timer, int]:
    """Return every timer that the conversation's state holds and the settings want, with its due time, ms."""
    off = {t for t, ms in _switchable(deadlines) if not ms}
    timers = (t for t in HOLDINGS[session.state].timers if t not in off)
    return {t: due_at(session, t, deadlines) for t in timers}


def ring(
    session: Session, timer: Timer, now_ms: int, deadlines: Deadlines, *, owner_present: bool
) -> Event | Overdue | Rearm | None:
    """Return what a fired timer means now: something due, a later end, or None if it is out of date."""
    if timer not in armed(session, deadlines):
        return None
    if timer is Timer.REPLY and not session.unanswered:
        return None  # the next question sets it anew
    end = due_at(session, timer, deadlines)
    if end > now_ms:
        return Rearm(end)
    if timer is Timer.WAIT:
        return Event.MISSED
    if timer is Timer.TRANSFER:
        return Event.TRANSFER_FAILED if owner_present else Event.TRANSFER_REQUEUED
    if timer is Timer.REPLY:
        return _unanswered(session)
    if timer is Timer.LIMIT:
        return Overdue.SERVED_LONG if session.moves < MOVES_MAX else None
    return Event.IDLE_UNANSWERED if session.unanswered else Event.IDLE


def retry_at(session: Session, timer: Timer, now_ms: int, deadlines: Deadlines) -> int:
    """Return when to try again to move a conversation that nobody can take over now, ms.

    The pause grows with the time that the timer is overdue. At a fixed pause, 100,000 conversations that
    nobody can take over would keep a core busy with questions whose answer is always the same.
    """
    overdue_ms = now_ms - due_at(session, timer, deadlines)
    return now_ms + min(RETRY_MAX_MS, max(RETRY_MS, overdue_ms // 2))


def queue_score(session: Session, *, at_head: bool, priority_credit_ms: int = 0) -> int:
    """Return the effective time in the queue, microseconds: arrival less the credit of the priority.

    Customers who lost their agent go to the head, in the order in which they first came.
    """
    base = session.created_ms if at_head else session.queued_ms
    return 1000 * (base - session.priority * priority_credit_ms - HEAD_CREDIT_MS * at_head)


def asked_at(session: Session) -> int:
    """Return since when the present owner has not answered the customer, ms."""
    return max(session.asked_ms, session.assigned_ms)


def _reply_due(session: Session, reply_ms: int) -> int:
    """Return when the agent is reminded (one length after the question) or the conversation moves (two)."""
    if not session.unanswered:
        return session.last_active_ms + reply_ms
    since = asked_at(session)
    return since + (2 if session.nudged_ms >= since else 1) * reply_ms


def _unanswered(session: Session) -> Overdue | None:
    if session.nudged_ms < asked_at(session):
        return Overdue.NUDGE
    return Overdue.UNANSWERED if session.moves < MOVES_MAX else None


def _switchable(deadlines: Deadlines) -> tuple[tuple[Timer, int], ...]:
    return (Timer.REPLY, deadlines.reply_ms), (Timer.LIMIT, deadlines.limit_ms)


def urgent_score(session: Session, priority_credit_ms: int) -> int:
    """Return the effective time of a customer whose reply window is about to end, microseconds."""
    ordinary = queue_score(session, at_head=False, priority_credit_ms=priority_credit_ms)
    return ordinary - 1000 * URGENT_CREDIT_MS


URGENT_CREDIT_MS = 20 * 24 * 3600 * 1000
"""Larger than any priority credit or wait, smaller than the head's."""

HEAD_CREDIT_MS = 30 * 24 * 3600 * 1000
"""Larger than any priority credit or wait, so that the head stays the head."""

assert all(HOLDINGS[s].timers for s in State if s is not State.CLOSED)
