"""The caller himself: who he is, and whether he serves."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from app.api.auth import PersonShape, person_view
from app.api.core import Body, Call, Routes, Shape
from app.api.shapes import StatusName
from app.conversations import duty
from sessions.roster import Status

routes = Routes()


class MeShape(Shape):
    """``status`` is what he wants to be, ``present`` whether somebody sees him, both null for one who
    does not serve; ``csrf_token`` is null for programs."""

    person: PersonShape
    appid: str | None
    kf_account: str | None
    nickname: str | None
    groups: list[str]
    max_sessions: int
    status: StatusName | None
    present: bool
    load: int
    heartbeat_s: int
    csrf_token: str | None


class PresenceBody(Body):
    """``hand_over`` lets ``offline`` give open conversations to others."""

    status: StatusName
    hand_over: bool = Field(False)


class HeartbeatShape(Shape):
    """The next heartbeat is due within ``heartbeat_s``; after three missed ones he is gone."""

    heartbeat_s: int


@routes.add("GET", "/me", "me.read", summary="Who I am and how I serve", answer=MeShape)
def read_me(call: Call) -> dict[str, Any]:
    return _me(call)


@routes.add(
    "PUT",
    "/me/presence",
    "me.presence",
    summary="Sign in and out of service",
    body=PresenceBody,
    answer=MeShape,
)
def put_presence(call: Call) -> dict[str, Any]:
    status = Status(call.body.status)
    duty.change_status(call.account, call.kf_account, status, hand_over=call.body.hand_over)
    return _me(call)


@routes.add(
    "POST",
    "/me/heartbeat",
    "me.heartbeat",
    summary="A program without an event stream is there",
    answer=HeartbeatShape,
)
def heartbeat(call: Call) -> dict[str, Any]:
    duty.heartbeat(call.account, call.kf_account)
    return {"heartbeat_s": call.services.settings.heartbeat_s}


def _me(call: Call) -> dict[str, Any]:
    caller = call.caller
    cookie = caller.login if caller.kind == "cookie" else None
    return {
        "person": person_view(call.services, caller.person_id),
        "appid": caller.appid or None,
        "kf_account": caller.kf_account or None,
        **_service(call),
        "heartbeat_s": call.services.settings.heartbeat_s,
        "csrf_token": call.services.logins.csrf(cookie) if cookie else None,
    }


def _service(call: Call) -> dict[str, Any]:
    nobody: dict[str, Any] = {"nickname": None, "groups": [], "max_sessions": 0, "status": None}
    served = call.services.served.get(call.caller.appid)
    if served is None:
        return nobody | {"present": False, "load": 0}
    account, name = served.account, call.caller.kf_account
    for seat in account.seats.read([name]):
        return {
            "nickname": seat.nickname,
            "groups": list(account.groups_of(name)),
            "max_sessions": seat.seats,
            "status": seat.status.value,
            "present": name in account.attendance.present(),
            "load": len(account.seats.held(name)),
        }
    return nobody | {"present": False, "load": 0}
