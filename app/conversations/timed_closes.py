"""Due timers that close a conversation, many together: a sweep costs a few round trips, not some for each."""

from __future__ import annotations

from collections.abc import Iterable

from app.account import Account
from app.conversations import closing, waiting
from sessions.change import Change
from sessions.deadlines import ring
from sessions.machine import Event, Timer
from sessions.reading import Row
from sessions.store import Loaded

CLOSES = frozenset({Event.IDLE, Event.IDLE_UNANSWERED, Event.MISSED})


def close_together(account: Account, due: Iterable[tuple[str, Timer]]) -> set[str]:
    """Closes those of the (session id, timer) whose timer says so; their ids.

    The rest, and who changed meanwhile, is left to be looked at one by one. The caller wakes the sender.
    """
    timers = dict(reversed(list(due)))
    changes = {
        row.session.id: change
        for row in account.reading.rows(timers)
        if (change := _close(account, row, timers[row.session.id])) is not None
    }
    closed = account.store.commit_all(list(changes.values()))
    if closed and any(account.reading.queue_lengths().values()):
        owners = {changes[sid].after.kf_account for sid in closed}
        closing.seat_freed(account, frozenset(owners - {""}))
    return closed


def _close(account: Account, row: Row, timer: Timer) -> Change | None:
    loaded = Loaded(row.session, row.customer, row.now_ms)
    meaning = ring(row.session, timer, row.now_ms, account.store.deadlines, owner_present=False)
    if not isinstance(meaning, Event) or meaning not in CLOSES:
        return None
    if meaning is Event.MISSED and waiting.spared(account, loaded):
        return None
    return closing.timed_change(account, loaded, meaning)
