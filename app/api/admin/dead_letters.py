"""Supervisors: messages that did not reach their customer, and their retry."""

from __future__ import annotations

import secrets
from typing import Any

from app.account import Account
from app.api.core import Call, PageMeta, PageQuery, Routes, Shape
from app.api.shapes import MessageShape
from app.conversations import replies
from app.conversations.access import find
from app.refusals import Refusal
from app.storage.audit import acting, record
from app.storage.sql import decode_cursor, encode_cursor
from sessions.messages import split_message_id

PATH = "/admin/dead-letters"
ACTION = "admin.dead_letters"

routes = Routes()


class DeadLetter(Shape):
    """An undelivered message since ``since_ms``. ``can_retry``: an agent serves the conversation."""

    id: str
    since_ms: int
    openid: str
    kf_account: str | None
    can_retry: bool
    message: MessageShape


@routes.add(
    "GET",
    PATH,
    ACTION,
    summary="List failed and unknown messages, newest first",
    query=PageQuery,
    answer=list[DeadLetter],
    meta=PageMeta,
)
def list_dead_letters(call: Call) -> tuple[Any, Any]:
    cursor, limit = call.query.cursor, call.query.limit
    start = max(0, decode_cursor(cursor, int)[0]) if cursor else 0
    rows = call.account.queries.dead_letters(limit + 1, start)
    more = encode_cursor(start + limit) if len(rows) > limit else None
    shown = (_shown(call.account, ident, since_ms) for ident, since_ms in rows[:limit])
    return [row for row in shown if row is not None], {"next_cursor": more}


@routes.add(
    "POST",
    PATH + "/<message_id>/retry",
    ACTION,
    summary="Send a message again, as the agent who serves the customer now",
    answer=DeadLetter,
    status=202,
    refuses=(409,),
)
def retry(call: Call, message_id: str) -> dict[str, Any]:
    account = call.account
    found = _shown(account, message_id, call.now_ms)
    if found is None:
        raise Refusal("not_found", "There is no such message.")
    if not found["can_retry"]:
        raise Refusal("session_closed", "The conversation is closed, or nobody serves it now.")
    replies.resend(account, message_id, found["kf_account"], secrets.token_hex(8))
    with acting(call.services.engine) as conn:
        record(conn, call.actor, "dead_letter.retry", message_id, {"to": found["kf_account"]})
    return _shown(account, message_id, found["since_ms"]) or found


def _shown(account: Account, message_id: str, since_ms: int) -> dict[str, Any] | None:
    """Return the message as the API shows it, or None if it is stored no more."""
    session_id, _, seq = message_id.rpartition(".")
    if not session_id or not seq.isdecimal() or len(seq) > 15:
        return None
    try:
        session = find(account, session_id)
    except Refusal:
        return None
    message = _message(account, message_id, archived=session.archived)
    if message is None:
        return None
    owner = session.view["kf_account"]
    live = session.view["state"] in ("SERVING", "TRANSFERING")
    return {
        "id": message_id,
        "since_ms": since_ms,
        "openid": session.view["openid"],
        "kf_account": owner,
        "can_retry": live and bool(owner) and not session.archived,
        "message": message,
    }


def _message(account: Account, message_id: str, *, archived: bool) -> dict[str, Any] | None:
    session_id, seq = split_message_id(message_id)
    if not archived:
        return account.queries.message(session_id, seq)
    found = account.records.messages(account.appid, session_id, seq - 1, 1)
    return found[0] if found and found[0]["seq"] == seq else None
