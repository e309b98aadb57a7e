"""Remind an agent who does not answer once, then move the customer to an agent with a free seat.

The deadline is a timer in Redis like every other. While nobody can take the conversation it stays with its
agent, and the move is tried again.
"""

from __future__ import annotations

from dataclasses import replace

from app.account import Account
from app.conversations.automatic_transfers import Reason, move
from app.conversations.commit import transition
from app.refusals import Refusal
from sessions.change import Change
from sessions.deadlines import Overdue, asked_at, retry_at, ring
from sessions.machine import Timer
from sessions.messages import SystemLine
from sessions.store.conversations import Loaded


def act(account: Account, session_id: str, timer: Timer, meaning: Overdue, seen_ms: int) -> int:
    """Act on an overdue timer. Returns 1 if the conversation changed, else 0."""
    if meaning is Overdue.NUDGE:
        return _nudge(account, session_id, timer)
    moved = move(account, session_id, Reason(meaning.value, holds=_Still(account, timer, meaning)))
    if not moved:
        _retry_later(account, session_id, timer, seen_ms)
    return int(bool(moved))


def _retry_later(account: Account, session_id: str, timer: Timer, seen_ms: int) -> None:
    found, now_ms = account.queries.sessions_now([session_id])
    for session in found:
        later_ms = retry_at(session, timer, now_ms, account.store.deadlines)
        account.store.settle_timer(session_id, timer, seen_ms, later_ms)


def _nudge(account: Account, session_id: str, timer: Timer) -> int:
    def decide(loaded: Loaded) -> Change | None:
        if not _Still(account, timer, Overdue.NUDGE)(loaded):
            return None
        return nudged(loaded)

    try:
        return int(transition(account.store, session_id, decide) is not None)
    except Refusal:
        return 0


def nudged(loaded: Loaded) -> Change:
    """Return the change that reminds the owner: a line and a desk notice, once for each question."""
    session, since = loaded.session, asked_at(loaded.session)
    waited_s = (loaded.now_ms - since) // 1000
    return Change(
        session,
        replace(session, nudged_ms=loaded.now_ms),
        lines=(SystemLine("unanswered", {"kf_account": session.kf_account, "waited_s": waited_s}),),
        guard_asked=True,
        alert={"code": "unanswered", "since_ms": str(since)},
        operation=f"nudge:{session.id}:{session.owner_epoch}:{since}",
    )


class _Still:
    """Check whether the timer still means the same when the conversation is loaded again."""

    def __init__(self, account: Account, timer: Timer, meaning: Overdue) -> None:
        self._deadlines = account.store.deadlines
        self._timer = timer
        self._meaning = meaning

    def __call__(self, loaded: Loaded) -> bool:
        now = ring(loaded.session, self._timer, loaded.now_ms, self._deadlines, owner_present=True)
        return now is self._meaning
