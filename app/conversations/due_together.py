"""Due timers of many conversations, read together: most need one more round trip or none of their own.

Those that rang early, or whose conversation nobody has room for, are set anew in one round trip; closings and
words to an agent who does not answer cost one each. The rest is left to the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from app.account import Account
from app.conversations import closing, nudges, waiting
from app.conversations.picks import has_room
from app.conversations.placing import staffed_group
from sessions.change import Change
from sessions.deadlines import Overdue, Rearm, ring
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
    """What needs no further look: whose conversation each closed one was, and timers that were set anew.

    ``told`` counts those among them whose agent was told that he does not answer.
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
    """Which groups have nobody with a free seat; each is asked about once."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._known: dict[str, bool] = {}

    def of(self, group: str) -> bool:
        """Whether a conversation of this group may find another agent at all."""
        if group not in self._known:
            self._known[group] = has_room(self._account, staffed_group(self._account, group))
        return self._known[group]


def handle(account: Account, due: Iterable[tuple[str, Timer]], seen_ms: int) -> Done:
    """Closes or settles those of the (session id, timer) whose timer says so; one timer of each conversation.

    Who changed meanwhile is left to be looked at one by one. The caller wakes the sender.
    """
    timers = list(dict(reversed(list(due))).items())
    done, rooms = Done(), Rooms(account)
    for some in slices(timers, TOGETHER):
        _handle_some(account, dict(some), seen_ms, done, rooms)
    if done.closed and any(account.reading.queue_lengths().values()):
        closing.seat_freed(account, frozenset(done.closed.values()) - {""})
    return done


def _handle_some(
    account: Account, timers: Mapping[str, Timer], seen_ms: int, done: Done, rooms: Rooms
) -> None:
    later = dict[tuple[str, Timer], int | None]()
    for row in account.reading.rows(timers):
        sid, timer = row.session.id, timers[row.session.id]
        match ring(row.session, timer, row.now_ms, account.store.deadlines, owner_present=False):
            case Rearm(due_ms):
                later[sid, timer] = due_ms
            case None:
                later[sid, timer] = None
            case Overdue.NUDGE:
                _tell(account, row, timer, done)
            case Overdue() if not rooms.of(row.session.group):
                later[sid, timer] = row.now_ms + nudges.RETRY_MS
            case Event() as event if event in CLOSES:
                _close(account, row, event, done)
    done.settled |= account.store.settle_timers(later, seen_ms)


def _tell(account: Account, row: Row, timer: Timer, done: Done) -> None:
    if _took_place(account, nudges.nudged(_loaded(row))):
        done.told += 1
        done.settled.add((row.session.id, timer))


def _close(account: Account, row: Row, event: Event, done: Done) -> None:
    loaded = _loaded(row)
    if event is Event.MISSED and waiting.spared(account, loaded):
        return
    change = closing.timed_change(account, loaded, event)
    if _took_place(account, change):
        done.closed[row.session.id] = change.after.kf_account


def _loaded(row: Row) -> Loaded:
    return Loaded(row.session, row.customer, row.now_ms)


def _took_place(account: Account, change: Change) -> bool:
    try:
        account.store.commit(change)
    except (Conflict, NotFound):
        return False
    return True
