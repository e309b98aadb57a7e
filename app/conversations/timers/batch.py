"""Due timers of many conversations, handled in batches.

Timers that fired too early, and timers whose group has no free seat, are rescheduled in one round trip. Each
close costs one more, eight reminders cost one. Everything else is returned to the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.account import Account
from app.conversations import closing, waiting
from app.conversations.picks import with_room
from app.conversations.placing import staffed_group
from app.conversations.timers import unanswered as nudges
from sessions.change import Change
from sessions.deadlines import Overdue, Rearm, retry_at, ring
from sessions.machine import REMINDERS, Event, Timer
from sessions.model import Conflict, Customer, NotFound, Session
from sessions.slices import slices
from sessions.store.conversations import Loaded

TOGETHER: Final = 16
"""Conversations read in one round trip; a concurrent push waits for them."""

REMINDED_AT_ONCE: Final = 8
"""Reminders committed in one round trip: a push waits for all of them, about a millisecond."""

MOVES_A_PASS: Final = 100
"""Moves by rule that one pass tries, as each costs milliseconds; the others are tried again later."""

CLOSES = frozenset({Event.IDLE, Event.IDLE_UNANSWERED, Event.MISSED})


@dataclass(slots=True)
class Done:
    """Result of one batch: ``closed`` maps session id → its agent, ``settled`` are timers that were handled.

    ``told`` counts the reminders among them.
    """

    closed: dict[str, str] = field(default_factory=dict)
    told: int = 0
    settled: set[tuple[str, Timer]] = field(default_factory=set)

    @property
    def changed(self) -> int:
        return len(self.closed) + self.told

    def covers(self, session_id: str, timer: Timer) -> bool:
        return session_id in self.closed or (session_id, timer) in self.settled


class Rooms:
    """Agents with a free seat by group; the store is asked once for each group."""

    def __init__(self, account: Account, moves: int = MOVES_A_PASS) -> None:
        self._account = account
        self._known: dict[str, frozenset[str]] = {}
        self._moves_left = moves

    def besides(self, session: Session) -> bool:
        """Return whether a move may be tried: anybody but owner and excluded agents has a free seat.

        It is False, too, once as many moves were granted as one pass may try.
        """
        if not self._moves_left:
            return False
        group = session.group
        if group not in self._known:
            self._known[group] = with_room(self._account, staffed_group(self._account, group))
        found = bool(self._known[group] - session.excluded - {session.kf_account})
        self._moves_left -= found
        return found


def handle(account: Account, due: Iterable[tuple[str, Timer]], seen_ms: int, rooms: Rooms) -> Done:
    """Close, remind or reschedule the conversations of due timers, one timer of each conversation.

    Conversations that changed concurrently are left to the caller, who also wakes the sender.
    """
    timers = list(dict(reversed(list(due))).items())
    done = Done()
    for some in slices(timers, TOGETHER):
        _handle_some(account, dict(some), seen_ms, done, rooms)
    if done.closed and any(account.queries.queue_lengths().values()):
        closing.seat_freed(account, frozenset(done.closed.values()) - {""})
    return done


def _handle_some(
    account: Account, timers: Mapping[str, Timer], seen_ms: int, done: Done, rooms: Rooms
) -> None:
    later, due_reminders = dict[tuple[str, Timer], int | None](), list[Loaded]()
    deadlines = account.store.deadlines
    for loaded in _read(account, timers):
        session, now_ms = loaded.session, loaded.now_ms
        sid, timer = session.id, timers[session.id]
        match ring(session, timer, now_ms, deadlines, owner_present=False):
            case Rearm(due_ms):
                later[sid, timer] = due_ms
            case None:
                later[sid, timer] = None
            case Overdue.NUDGE:
                due_reminders.append(loaded)
            case Overdue() if not rooms.besides(session):
                later[sid, timer] = retry_at(session, timer, now_ms, deadlines)
            case Event() as event if event in CLOSES:
                _close(account, loaded, event, done)
    for some in slices(due_reminders, REMINDED_AT_ONCE):
        _remind(account, some, timers, done)
    done.settled |= account.store.settle_timers(later, seen_ms)


def _read(account: Account, timers: Mapping[str, Timer]) -> list[Loaded]:
    """Return the conversations, with their customers unless only reminders are due."""
    if REMINDERS.issuperset(timers.values()):
        sessions, now_ms = account.queries.sessions_now(timers)
        return [Loaded(session, Customer(session.openid), now_ms) for session in sessions]
    rows = account.queries.rows(timers)
    return [Loaded(row.session, row.customer, row.now_ms) for row in rows]


def _remind(
    account: Account, some: Sequence[Loaded], timers: Mapping[str, Timer], done: Done
) -> None:
    """Remind the agents of some conversations; one that changed concurrently is left to the caller."""
    committed = account.store.commit_all([nudges.nudged(loaded) for loaded in some])
    for loaded, reminded in zip(some, committed, strict=True):
        if reminded:
            done.told += 1
            done.settled.add((loaded.session.id, timers[loaded.session.id]))


def _close(account: Account, loaded: Loaded, event: Event, done: Done) -> None:
    if event is Event.MISSED and waiting.spared(account, loaded):
        return
    change = closing.timed_change(account, loaded, event)
    if _took_place(account, change):
        done.closed[loaded.session.id] = change.after.kf_account


def _took_place(account: Account, change: Change) -> bool:
    try:
        account.store.commit(change)
    except (Conflict, NotFound):
        return False
    return True
