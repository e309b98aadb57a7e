"""What runs on every node every few seconds: due timers, lost agents, queues, the archive.

All of it is idempotent: each step loads, decides and commits by version, so that several nodes may do
the same at once and a node that dies half way leaves work for the others.
"""

from __future__ import annotations

import json

from app.account import Account
from app.conversations import closing, nudges, off_shift, rule_transfers, transfers, views, waiting
from app.conversations.retry import transition
from app.refusals import Refusal
from app.tally import TALLY
from sessions.change import Change
from sessions.deadlines import Overdue, Rearm, ring
from sessions.keys import split_timer
from sessions.machine import Event, Timer
from sessions.reading import Row
from sessions.store import Loaded

BATCH = 200
"""Timers, closed conversations read at once."""

ROUNDS = 50
"""Batches of one sweep at most; the next sweep goes on."""

ARCHIVE_PAGE = 500
"""Messages read at once while archiving."""


def run_timers(account: Account, now_ms: int) -> int:
    """Every due timer of the account; the number that led to a transition."""
    fired = 0
    for _ in range(ROUNDS):
        due = account.reading.due_timers(now_ms, BATCH)
        for member in due:
            session_id, name = split_timer(member)
            fired += _run_timer(account, session_id, Timer(name), now_ms)
        if len(due) < BATCH:
            break
    return fired


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
        after = transition(account.store, session_id, decide)
    except Refusal as refusal:
        if refusal.code == "not_found":
            account.store.settle_timer(session_id, timer, now_ms, None)
        return 0
    if not fired:
        return 0
    if isinstance(fired[0], Overdue):
        return nudges.act(account, session_id, timer, fired[0], now_ms)
    account.wake_sender()
    closing.seat_freed(account, frozenset({after.kf_account} - {""}))
    return len(fired)


def look_after_agents(account: Account, now_ms: int) -> None:
    """Nobody's customers stay with an agent who is gone, off shift or badly rated, or wait for nobody."""
    rescue_from_lost(account)
    off_shift.end_shifts(account, now_ms)
    off_shift.rescue_from_off_duty(account)
    rule_transfers.move_from_badly_rated(account)
    rule_transfers.admit_excluded(account)


def rescue_from_lost(account: Account) -> int:
    """Moves the conversations of agents who have been away longer than the grace; how many."""
    absent = account.seats.absent(account.attendance.present())
    moved = 0
    for kf_account, for_ms in absent.items():
        if for_ms >= account.policy.grace_ms:
            moved += transfers.give_up_all(account, kf_account, "agent_lost")
    return moved


def archive_closed(account: Account) -> int:
    """Moves closed conversations to SQL; those with a message still to be sent are passed over."""
    moved = kept = 0
    for _ in range(ROUNDS):
        ids = account.reading.closed(BATCH, offset=kept)
        done = sum(_archived(account, row) for row in account.reading.rows(ids))
        moved += done
        kept += len(ids) - done
        if len(ids) < BATCH:
            break
    return moved


def _archived(account: Account, row: Row) -> bool:
    """Insert by key, commit, then forget if unchanged; whether it is gone from Redis."""
    session = row.session
    messages = _all_messages(account, session.id)
    if any(m["status"] == "pending" for m in messages):
        return False
    card = account.reading.card(session.id)
    data = views.session_view(row, account.appid)
    account.records.archive(account.appid, data, messages, json.loads(card) if card else None)
    gone = account.store.forget(session.id, session.rev) == "ok"
    if gone and session.first_reply_ms:
        TALLY.answered(account.appid, session.created_ms, session.first_reply_ms)
    return gone


def _all_messages(account: Account, session_id: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    while True:
        page = account.reading.messages(session_id, len(found), ARCHIVE_PAGE)
        found += page
        if len(page) < ARCHIVE_PAGE:
            return found


def _owner_present(account: Account, kf_account: str) -> bool:
    agent = account.attendance.agent(kf_account)
    return bool(agent and agent.present)
