"""Supervisors: assignment and take-over of conversations. Every act is audited with its reason."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from app.api.agent.readers import acting_on
from app.api.core import Body, Call, Routes
from app.api.shapes import SessionShape
from app.conversations import supervision
from app.directory.kf_names import completed
from app.storage.audit import acting, record

REASON_MAX_CHARS = 200

routes = Routes()


class ReasonBody(Body):
    """The reason, which is stored in the audit log and in the conversation."""

    reason: str = Field(min_length=1, max_length=REASON_MAX_CHARS)


class AssignBody(ReasonBody):
    """The agent: full name or bare prefix."""

    kf_account: str = Field(min_length=1, max_length=64)


@routes.add(
    "POST",
    "/sessions/<sid>/assign",
    "sessions.assign",
    summary="Assign a conversation to an agent at once",
    body=AssignBody,
    answer=SessionShape,
    refuses=(409,),
)
def assign(call: Call, sid: str) -> dict[str, Any]:
    target = completed(call.account.config, call.body.kf_account)
    return _moved(call, sid, target, "assigned", "session.assign")


@routes.add(
    "POST",
    "/sessions/<sid>/takeover",
    "sessions.takeover",
    summary="Take a conversation over at once",
    body=ReasonBody,
    answer=SessionShape,
    refuses=(409,),
)
def take_over(call: Call, sid: str) -> dict[str, Any]:
    return _moved(call, sid, call.kf_account, "takeover", "session.takeover")


def audited(call: Call, act: str, sid: str, detail: dict[str, Any]) -> None:
    """Write an audit entry about a conversation."""
    with acting(call.services.engine) as conn:
        record(conn, call.actor, act, sid, detail)


def _moved(call: Call, sid: str, target: str, why: str, act: str) -> dict[str, Any]:
    account, reason, by = call.account, call.body.reason, call.caller.who
    shown = acting_on(call, sid, lambda: supervision.assign(account, sid, target, by, reason, why))
    audited(call, act, sid, {"to": target, "reason": reason})
    return shown
