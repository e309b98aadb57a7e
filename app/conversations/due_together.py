"""Due timers of many conversations, read together: most rang early or close theirs, and need no more.

Those that rang early are set anew in one round trip, closings cost one each. The rest is left to the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from app.account import Account
from app.conversations import closing, waiting
from sessions.change import Change
from sessions.deadlines import Rearm, ring
from sessions.machine import Event, Timer
from sessions.model import Conflict, NotFound
from sessions.reading import Row
from sessions.slices import slices
from sessions.store import Loaded

TOGETHER: Final = 16
"""Conversations read at once: whoever writes meanwhile waits until they are."""

CLOSES = frozenset({Event.IDLE, Event.IDLE_UNANSWERED, Event.MISSED})


@dataclass(slots=True)
class Done:
    """What needs no further look: whose conversation each closed one was, and timers that were set anew."""

    closed: dict[str, str] = field(default_factory=dict)
    settled: set[tuple[str, Timer]] = field(default_factory=set)

    def covers(self, session_id: str, timer: Timer) -> bool:
        return session_id in self.closed or (session_id, timer) in self.settled


def handle(account: Account, due: Iterable[tuple[str, Timer]], seen_ms: int) -> Done:
    """Closes or settles those of the (session id, timer) whose timer says so; one timer of each conversation.

    Who changed meanwhile is left to be looked at one by one. The caller wakes the sender.
    """
    timers = list(dict(reversed(list(due))).items())
    done = Done()
    for some in slices(timers, TOGETHER):
        _handle_some(account, dict(some), seen_ms, done)
    if done.closed and any(account.reading.queue_lengths().values()):
        closing.seat_freed(account, frozenset(done.closed.values()) - {""})
    return done


def _handle_some(account: Account, timers: Mapping[str, Timer], seen_ms: int, done: Done) -> None:
    later = dict[tuple[str, Timer], int | None]()
    for row in account.reading.rows(timers):
        sid, timer = row.session.id, timers[row.session.id]
        match ring(row.session, timer, row.now_ms, account.store.deadlines, owner_present=False):
            case Rearm(due_ms):
                later[sid, timer] = due_ms
            case None:
                later[sid, timer] = None
            case Event() as event if event in CLOSES:
                _close(account, row, event, done)
    done.settled |= account.store.settle_timers(later, seen_ms)


def _close(account: Account, row: Row, event: Event, done: Done) -> None:
    loaded = Loaded(row.session, row.customer, row.now_ms)
    if event is Event.MISSED and waiting.spared(account, loaded):
        return
    change = closing.timed_change(account, loaded, event)
    if _took_place(account, change):
        done.closed[row.session.id] = change.after.kf_account


def _took_place(account: Account, change: Change) -> bool:
    try:
        account.store.commit(change)
    except (Conflict, NotFound):
        return False
    return True
