"""Viewers of a conversation, typing, and whispers of a supervisor to the agent."""

from __future__ import annotations

import secrets
from typing import Any

from pydantic import Field

from app.api.admin.supervise import REASON_MAX_CHARS, audited
from app.api.agent.readers import open_or_refused, readable
from app.api.core import Body, Call, Routes, Shape
from app.api.shapes import MessageShape
from app.conversations import watching
from app.refusals import Refusal

WHISPER_MAX_CHARS = 500

routes = Routes()


class TypingBody(Body):
    """``active`` false: the person stopped typing."""

    active: bool = True


class TypingShape(Shape):
    """The state that colleagues and, where WeChat allows it, the customer are shown."""

    active: bool


class ViewBody(Body):
    """``active`` false: the person left the conversation. Supervisors and admins who do not serve it are
    shown to others only if ``visible``."""

    active: bool = True
    visible: bool = False


class ViewerShape(Shape):
    """A viewer of the conversation, until ``until_ms`` unless renewed."""

    who: str
    kf_account: str | None
    until_ms: int


class WhisperBody(Body):
    """A text for agents and supervisors, never for the customer. A repeat of a ``client_id`` adds nothing."""

    text: str = Field(min_length=1, max_length=WHISPER_MAX_CHARS)
    reason: str = Field("", max_length=REASON_MAX_CHARS)
    client_id: str = Field("", max_length=64)


@routes.add(
    "POST",
    "/sessions/<sid>/typing",
    "sessions.typing",
    summary="Announce that you are typing, or stopped",
    body=TypingBody,
    answer=TypingShape,
    refuses=(409,),
)
def typing(call: Call, sid: str) -> dict[str, Any]:
    served, active, me = call.served, call.body.active, call.kf_account
    with open_or_refused(call, sid):
        session = served.account.store.load(sid).session
    if session.kf_account != me:
        raise Refusal("not_owner", "Another agent serves this conversation now.")
    watching.types(served.account, session, call.caller.who, me, active)
    call.services.background.run("typing", lambda: served.api.typing(session.openid, active))
    return {"active": active}


@routes.add(
    "POST",
    "/sessions/<sid>/view",
    "sessions.read",
    summary="Announce every 20 s that you view the conversation, or that you left; marks nothing as read",
    body=ViewBody,
    answer=list[ViewerShape],
    refuses=(409,),
)
def view(call: Call, sid: str) -> list[dict[str, Any]]:
    readable(call, sid)
    with open_or_refused(call, sid):
        session = call.account.store.load(sid).session
    me = call.kf_account_or_none
    serves = bool(me) and me in (session.kf_account, session.transfer_to)
    if serves or call.body.visible or not call.may("sessions.read_any"):
        watching.looks(call.account, session, call.caller.who, me, call.body.active)
    return watching.viewers(call.account, sid)


@routes.add(
    "POST",
    "/sessions/<sid>/whisper",
    "sessions.whisper",
    summary="Whisper to the agent; the customer never sees it",
    body=WhisperBody,
    answer=MessageShape,
    status=201,
    refuses=(409,),
)
def whisper(call: Call, sid: str) -> dict[str, Any]:
    body, by = call.body, call.caller.who
    operation = f"whisper:{sid}:{by}:{body.client_id or secrets.token_hex(8)}"
    with open_or_refused(call, sid):
        message = watching.whisper(call.account, sid, by, body.text.strip(), operation)
    seq = message["seq"]
    audited(call, "session.whisper", sid, {"reason": body.reason, "seq": seq})
    return message
