"""Broadcast who views a conversation and who types; store a supervisor's whisper to the agent."""

from __future__ import annotations

from typing import Any, Final

from app.account import Account
from app.refusals import Refusal
from sessions.messages import SystemLine
from sessions.model import Session
from sessions.store.conversations import ReplyRefused

VIEW_MS: Final = 45_000
"""How long a viewer counts after their desk's last report, ms; desks report every 20 s."""


def types(account: Account, session: Session, who: str, kf_account: str, active: bool) -> None:
    """Broadcast that ``who`` is typing to the owner, the transfer target, viewers and supervisors."""
    _tell(account, session, who, kf_account, "typing", active)


def looks(account: Account, session: Session, who: str, kf_account: str, active: bool) -> None:
    """Store a viewer; broadcast once when they come and once when they leave."""
    if account.stream.note_viewer(session.id, _entry(who, kf_account), VIEW_MS if active else 0):
        _tell(account, session, who, kf_account, "viewing", active)


def viewers(account: Account, session_id: str) -> list[dict[str, Any]]:
    """Return who views the conversation now."""
    found = []
    for entry, until_ms in account.stream.viewers(session_id):
        kf_account, _, who = entry.partition("|")
        found.append({"who": who, "kf_account": kf_account or None, "until_ms": until_ms})
    return found


def whisper(
    account: Account, session_id: str, by: str, text: str, operation: str
) -> dict[str, Any]:
    """Store a whisper. Returns the message. Raises Refusal: invalid, session_closed, not_found; NotFound."""
    if not text:
        raise Refusal("invalid", "The text is empty.")
    try:
        seq = account.store.say(
            session_id, SystemLine("whisper", {"by": by, "text": text}), operation
        )
    except ReplyRefused:
        raise Refusal("session_closed", "The conversation is closed.") from None
    message = account.queries.message(session_id, seq or 0)
    if message is None:
        raise Refusal("not_found", "There is no such open conversation.")
    return message


def _tell(
    account: Account, session: Session, who: str, kf_account: str, what: str, active: bool
) -> None:
    concerned = {session.kf_account, session.transfer_to, kf_account}
    concerned |= {one["kf_account"] or "" for one in viewers(account, session.id)}
    audience = ",".join(sorted(concerned - {""}))
    values = {"sid": session.id, "kf_account": kf_account, "who": who, what: str(int(active))}
    account.stream.tell("viewer.changed", audience, values)


def _entry(who: str, kf_account: str) -> str:
    return f"{kf_account}|{who}"
