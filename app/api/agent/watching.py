"""Who looks at a conversation and who types in it, and a supervisor's word to the agent alone."""

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
    """``active`` false: no longer typing."""

    active: bool = True


class TypingShape(Shape):
    """Told to colleagues and, where WeChat allows it, to the customer."""

    active: bool


class ViewBody(Body):
    """``active`` false: looked away. Supervisors and admins who do not serve it stay unseen unless
    ``visible``."""

    active: bool = True
    visible: bool = False


class ViewerShape(Shape):
    """One person who looks at the conversation; gone unless said again by ``until_ms``."""

    who: str
    kf_account: str | None
    until_ms: int


class WhisperBody(Body):
    """Seen by agents and supervisors, never by the customer. Repeatable by ``client_id``."""

    text: str = Field(min_length=1, max_length=WHISPER_MAX_CHARS)
    reason: str = Field("", max_length=REASON_MAX_CHARS)
    client_id: str = Field("", max_length=64)


@routes.add(
    "POST",
    "/sessions/<sid>/typing",
    "sessions.typing",
    summary="Typing, or no longer",
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
    summary="Looking at it, or no longer; leaves no read mark. Said again every 20 s while it lasts",
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
    summary="A word to the agent that the customer never sees",
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
