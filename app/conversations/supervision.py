"""Assign conversations for a supervisor, at once and without consent."""

from __future__ import annotations

from app.account import Account
from app.conversations.closing import seat_freed
from app.conversations.commit import transition
from app.refusals import Refusal
from sessions.change import Change
from sessions.machine import Details, Event, apply_all, held_seats
from sessions.messages import SystemLine
from sessions.model import Session, State
from sessions.store.conversations import Loaded, NoRoom


def assign(
    account: Account, session_id: str, target: str, by: str, reason: str, why: str = "assigned"
) -> Session:
    """Move an open conversation, waiting or served, to ``target``; ``why`` is assigned or takeover.

    Raises Refusal: not_found, session_closed, agent_offline, agent_full, invalid (they have it).
    """
    _check_serving(account, target)

    def decide(loaded: Loaded) -> Change:
        session = loaded.session
        if session.kf_account == target and session.is_open:
            raise Refusal("invalid", "The conversation is with this agent already.")
        after = apply_all(session, _steps(session, target, by, reason), loaded.now_ms)
        line = SystemLine("moved", {"by": by, "to": target, "note": reason, "why": why})
        return Change(session, after, lines=(line,))

    try:
        done = transition(account.store, session_id, decide)
    except NoRoom:
        raise Refusal("agent_full", "All seats of this agent are taken.") from None
    seat_freed(account, held_seats(done.before) - {target})
    return done.after


def _steps(session: Session, target: str, by: str, reason: str) -> list[tuple[Event, Details]]:
    if session.state is State.CLOSED:
        raise Refusal("session_closed", "The conversation is closed.")
    if session.state is State.WAITING:
        return [(Event.SEATED, Details(kf_account=target))]
    confirmed = (Event.TRANSFER_CONFIRMED, Details())
    if session.state is State.TRANSFERING and session.transfer_to == target:
        return [confirmed]
    asked = (Event.TRANSFER_ASKED, Details(kf_account=target, by=by, note=reason))
    if session.state is State.TRANSFERING:
        return [(Event.TRANSFER_FAILED, Details()), asked, confirmed]
    return [asked, confirmed]


def _check_serving(account: Account, kf_account: str) -> None:
    agent = account.attendance.agent(kf_account)
    if agent is None or not agent.seat.enabled:
        raise Refusal("not_found", "There is no such agent.")
    if not agent.serving:
        raise Refusal("agent_offline", "This agent is not online.")
