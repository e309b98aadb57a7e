"""The sweep of every node: due timers, lost agents, queues.

Each step is idempotent: it loads, decides and commits by version. So several nodes may do the same
concurrently, and a node that dies half way leaves work for the others.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Final

from app.account import Account
from app.conversations import automatic_transfers as rule_transfers
from app.conversations import closing, off_shift, transfers, waiting
from app.conversations.commit import transition
from app.conversations.timers import batch as due_together
from app.conversations.timers import unanswered as nudges
from app.node.tuning import SHORT_TURNS
from app.refusals import Refusal
from sessions.change import Change
from sessions.deadlines import Overdue, Rearm, ring
from sessions.machine import REMINDERS, Event, Timer
from sessions.slices import slices
from sessions.store.conversations import Loaded
from sessions.store.keys import split_timer

PAGE: Final = 1_000
"""Due timers read in one round trip."""

PAGES: Final = 200
"""Pages read by one pass at most."""

BATCH: Final = 192
"""Timers handled by one batch; a multiple of ``batch.TOGETHER``."""

REMINDERS_MAX: Final = 2_000
"""Reminders handled by one pass at most: a closing that falls due during it waits for no more than these."""

PASSES: Final = 10
"""Passes of one sweep at most; the next sweep goes on."""

Due = list[tuple[str, Timer]]
"""(session id, timer), the longest overdue first."""

AT_REST: Final = threading.Event()
"""Set while no sweep of this node runs. The archive waits for it, as a push would wait for both."""

AT_REST.set()


def run_all_timers(account: Account) -> None:
    """Handle due timers in passes until none is left, or ``PASSES`` have been made."""
    for _ in range(PASSES):
        now_ms = account.store.now_ms()
        run_timers(account, now_ms)
        now_ms = account.store.now_ms()
        if not account.queries.due_timers(now_ms, 1):
            break


def run_timers(account: Account, now_ms: int) -> int:
    """Handle the timers due at ``now_ms``: first all that end something, then the oldest reminders.

    Returns how many led to a change.
    """
    AT_REST.clear()
    try:
        with SHORT_TURNS:
            ends, reminders = _read_due(account, now_ms)
            closed, rooms = set[str](), due_together.Rooms(account)
            fired = sum(_run_due(account, ends, now_ms, closed, rooms))
            open_ones = [(sid, timer) for sid, timer in reminders if sid not in closed]
            fired += sum(_run_due(account, open_ones, now_ms, closed, rooms))
    finally:
        AT_REST.set()
    if fired:
        account.wake_sender()
    return fired


def _read_due(account: Account, now_ms: int) -> tuple[Due, Due]:
    """Return the due timers that end something, and the oldest due reminders.

    Both are in one sorted set, so a long backlog of reminders is read past, a page at a time.
    """
    ends, reminders = Due(), Due()
    for page in range(PAGES):
        members = account.queries.due_timers(now_ms, PAGE, page * PAGE)
        for sid, timer in ((sid, Timer(name)) for sid, name in map(split_timer, members)):
            if timer not in REMINDERS:
                ends.append((sid, timer))
            elif len(reminders) < REMINDERS_MAX:
                reminders.append((sid, timer))
        if len(members) < PAGE:
            break
    return ends, reminders


def _run_due(
    account: Account, timers: Due, now_ms: int, closed: set[str], rooms: due_together.Rooms
) -> Iterator[int]:
    """Yield for each batch how many timers led to a change, and add the ended ones to ``closed``."""
    for due in slices(timers, BATCH):
        done = due_together.handle(account, due, now_ms, rooms)
        closed.update(done.closed)
        others = [(sid, timer) for sid, timer in due if not done.covers(sid, timer)]
        yield done.changed + sum(_run_timer(account, sid, timer, now_ms) for sid, timer in others)


def _run_timer(account: Account, session_id: str, timer: Timer, now_ms: int) -> int:
    fired: list[Event | Overdue] = []

    def decide(loaded: Loaded) -> Change | None:
        fired.clear()
        present = _owner_present(account, loaded.session.kf_account)
        meaning = ring(
            loaded.session, timer, loaded.now_ms, account.store.deadlines, owner_present=present
        )
        if meaning is Event.MISSED:
            meaning = waiting.spared(account, loaded) or meaning
        if isinstance(meaning, Overdue):
            fired.append(meaning)
            return None
        if not isinstance(meaning, Event):
            later = meaning.due_ms if isinstance(meaning, Rearm) else None
            account.store.settle_timer(session_id, timer, now_ms, later)
            return None
        fired.append(meaning)
        if timer is Timer.TRANSFER:
            return transfers.transfer_timed_out(account, loaded, meaning)
        return closing.timed_change(account, loaded, meaning)

    try:
        change = transition(account.store, session_id, decide)
    except Refusal as refusal:
        if refusal.code == "not_found":
            account.store.settle_timer(session_id, timer, now_ms, None)
        return 0
    if not fired:
        return 0
    if isinstance(fired[0], Overdue):
        return nudges.act(account, session_id, timer, fired[0], now_ms)
    if change is None:
        return 0
    closing.seat_freed(account, frozenset({change.after.kf_account} - {""}))
    return 1


def look_after_agents(account: Account, now_ms: int) -> None:
    """Move customers away from agents who are lost, off shift or badly rated, and admit excluded ones."""
    rescue_from_lost(account)
    off_shift.end_shifts(account, now_ms)
    off_shift.rescue_from_off_duty(account)
    rule_transfers.move_from_badly_rated(account)
    rule_transfers.admit_excluded(account)


def rescue_from_lost(account: Account) -> int:
    """Move the conversations of agents who have been absent longer than the grace. Returns how many."""
    absent = account.seats.absent(account.attendance.present())
    moved = 0
    for kf_account, for_ms in absent.items():
        if for_ms >= account.policy.grace_ms:
            moved += transfers.give_up_all(account, kf_account, "agent_lost")
    return moved


def _owner_present(account: Account, kf_account: str) -> bool:
    agent = account.attendance.agent(kf_account)
    return bool(agent and agent.present)
