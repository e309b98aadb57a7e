"""Conversations as the contract shows them; the API and the event stream use the same function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions.budget import budget
from sessions.model import Customer, Session, State
from sessions.store.queries import Row

OPENID_TAIL = 4
NO_BUDGET = {"remaining": 0, "window_ends_ms": 0}
"""The budget of a closed conversation, in which nothing can be sent."""


def display_name(openid: str, remark: str) -> str:
    """Return the remark, else the openid's tail: WeChat gives out no nicknames (wechat-platform 8.2)."""
    return remark or f"客户{openid[-OPENID_TAIL:]}"


def session_view(row: Row, appid: str) -> dict[str, Any]:
    """Return the contract's Session of an open or just closed conversation."""
    session, customer = row.session, row.customer
    return {
        "id": session.id,
        "appid": appid,
        "openid": session.openid,
        "customer": {
            "display_name": display_name(session.openid, customer.remark),
            "remark": customer.remark,
            "subscribed": customer.subscribed,
        },
        "kf_account": session.kf_account or None,
        "state": session.state.value,
        "group": session.group,
        "priority": session.priority,
        **{name: getattr(session, name) or None for name in _TIMES},
        "close_reason": session.close_reason or None,
        "queue_position": row.queue_position or None,
        "waiting_since_ms": session.waiting_since_ms or None,
        "unread": session.unread,
        "unanswered": session.unanswered,
        "last_message": _last_message(session),
        "version": session.version,
        "owner_epoch": session.owner_epoch,
        "rev": session.rev,
        "previous_session_id": session.previous_session_id or None,
        "transfer": _transfer(session),
        "rating": _rating(session),
        "budget": _budget(row),
    }


def bare_row(session: Session, customer: Customer, now_ms: int) -> Row:
    """Return the row of a conversation that is not in a queue."""
    return Row(session, customer, 0, now_ms)


def archived_view(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the contract's Session of a conversation from SQL."""
    return {**data, "budget": NO_BUDGET}


_TIMES = (
    "created_ms",
    "queued_ms",
    "first_assigned_ms",
    "first_reply_ms",
    "last_active_ms",
    "assigned_ms",
    "closed_ms",
)


def _budget(row: Row) -> dict[str, int]:
    if not row.session.is_open:
        return NO_BUDGET
    left = budget(row.customer.buckets, row.now_ms)
    return {"remaining": left.remaining, "window_ends_ms": left.window_ends_ms}


def _last_message(session: Session) -> dict[str, Any] | None:
    if not session.last_ms:
        return None
    return {
        "direction": session.last_direction,
        "type": session.last_type,
        "text": session.last_text,
        "created_ms": session.last_ms,
    }


def _rating(session: Session) -> dict[str, Any] | None:
    if not session.rating_ms:
        return None
    return {
        "score": session.rating_score,
        "comment": session.rating_comment,
        "rated_ms": session.rating_ms,
    }


def _transfer(session: Session) -> dict[str, Any] | None:
    if session.state is not State.TRANSFERING:
        return None
    return {
        "to": session.transfer_to or session.transfer_to_group,
        "to_group": session.transfer_to_group or None,
        "by": session.transfer_by,
        "note": session.transfer_note,
        "expires_ms": session.transfer_expires_ms,
    }
