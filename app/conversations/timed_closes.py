"""Due timers that close a conversation: read together, closed one by one, a round trip for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from app.account import Account
from app.conversations import closing, waiting
from sessions.change import Change
from sessions.deadlines import ring
from sessions.machine import Event, Timer
from sessions.model import Conflict, NotFound
from sessions.reading import Row
from sessions.slices import slices
from sessions.store import Loaded

TOGETHER: Final = 16
"""Conversations read at once. They are closed one by one: whoever writes meanwhile waits for one only."""

CLOSES = frozenset({Event.IDLE, Event.IDLE_UNANSWERED, Event.MISSED})


def close_together(account: Account, due: Iterable[tuple[str, Timer]]) -> set[str]:
    """Closes those of the (session id, timer) whose timer says so; their ids.

    The rest, and who changed meanwhile, is left to be looked at one by one. The caller wakes the sender.
    """
    timers = list(dict(reversed(list(due))).items())
    closed = dict[str, str]()
    for some in slices(timers, TOGETHER):
        closed |= _close_some(account, dict(some))
    if closed and any(account.reading.queue_lengths().values()):
        closing.seat_freed(account, frozenset(closed.values()) - {""})
    return set(closed)


def _close_some(account: Account, timers: Mapping[str, Timer]) -> dict[str, str]:
    """Whose conversation each of those closed was."""
    closed = dict[str, str]()
    for row in account.reading.rows(timers):
        change = _close(account, row, timers[row.session.id])
        if change is not None and _took_place(account, change):
            closed[row.session.id] = change.after.kf_account
    return closed


def _close(account: Account, row: Row, timer: Timer) -> Change | None:
    loaded = Loaded(row.session, row.customer, row.now_ms)
    meaning = ring(row.session, timer, row.now_ms, account.store.deadlines, owner_present=False)
    if not isinstance(meaning, Event) or meaning not in CLOSES:
        return None
    if meaning is Event.MISSED and waiting.spared(account, loaded):
        return None
    return closing.timed_change(account, loaded, meaning)


def _took_place(account: Account, change: Change) -> bool:
    try:
        account.store.commit(change)
    except (Conflict, NotFound):
        return False
    return True
