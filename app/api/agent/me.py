"""The caller: person, status and presence."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from app.api.agent.auth import PersonShape, person_view
from app.api.core import Body, Call, Routes, Shape
from app.api.shapes import StatusName
from app.conversations import duty, off_shift
from app.refusals import Refusal
from app.wechat.channel import CHANNELS
from config.accounts import AccountKind
from sessions.seats import Status

OFF_SHIFT_MAX_S = 12 * 3600
NOTE_MAX_CHARS = 500
NOTES_MAX = 50

routes = Routes()


class AccountShape(Shape):
    """An official account or mini program. ``name`` is "" where the settings give none. ``sends`` are the
    types of messages that WeChat accepts from it."""

    appid: str
    name: str
    kind: AccountKind
    sends: list[str]


class MeShape(Shape):
    """The caller. ``status`` is what the agent wants, ``present`` whether they are connected; both are null
    for a person who does not serve. ``off_shift_ms`` is the end of the shift, null while none is announced.
    ``accounts`` are those that the caller may name by ``?appid=``. ``csrf_token`` is null for programs."""

    person: PersonShape
    appid: str | None
    kf_account: str | None
    nickname: str | None
    groups: list[str]
    max_sessions: int
    status: StatusName | None
    present: bool
    off_shift_ms: int | None
    load: int
    heartbeat_s: int
    accounts: list[AccountShape]
    csrf_token: str | None


class PresenceBody(Body):
    """The wanted status. With ``hand_over``, ``offline`` hands open conversations over to others."""

    status: StatusName
    hand_over: bool = Field(False)


class OffShiftBody(Body):
    """The shift ends in ``in_s`` seconds. ``note`` and ``notes`` (by session id) are for the next agent."""

    in_s: int = Field(ge=0, le=OFF_SHIFT_MAX_S)
    note: str = Field("", max_length=NOTE_MAX_CHARS)
    notes: dict[str, str] = Field(default_factory=dict, max_length=NOTES_MAX)


class HeartbeatShape(Shape):
    """The next heartbeat is due within ``heartbeat_s``. After three missed ones the agent is not present."""

    heartbeat_s: int


@routes.add("GET", "/me", "me.read", summary="Return the caller", answer=MeShape)
def read_me(call: Call) -> dict[str, Any]:
    return _me(call)


@routes.add(
    "PUT",
    "/me/presence",
    "me.presence",
    summary="Set your status: online, away or offline",
    body=PresenceBody,
    answer=MeShape,
    refuses=(409,),
)
def put_presence(call: Call) -> dict[str, Any]:
    status = Status(call.body.status)
    duty.change_status(call.account, call.kf_account, status, hand_over=call.body.hand_over)
    return _me(call)


@routes.add(
    "POST",
    "/me/off-shift",
    "me.presence",
    summary="Announce the end of your shift: no new customers, and a hand-over at the end",
    body=OffShiftBody,
    answer=MeShape,
    refuses=(409,),
)
def announce_off_shift(call: Call) -> dict[str, Any]:
    body = call.body
    if any(len(note) > NOTE_MAX_CHARS for note in body.notes.values()):
        raise Refusal("invalid", f"A note has at most {NOTE_MAX_CHARS} characters.")
    notes = dict(body.notes) | ({"": body.note} if body.note else {})
    off_shift.announce(call.account, call.kf_account, body.in_s, notes)
    return _me(call)


@routes.add(
    "DELETE",
    "/me/off-shift",
    "me.presence",
    summary="Cancel the announced end of your shift",
    answer=MeShape,
)
def cancel_off_shift(call: Call) -> dict[str, Any]:
    off_shift.cancel(call.account, call.kf_account)
    return _me(call)


@routes.add(
    "POST",
    "/me/heartbeat",
    "me.heartbeat",
    summary="Keep a program without an event stream present",
    answer=HeartbeatShape,
)
def heartbeat(call: Call) -> dict[str, Any]:
    duty.heartbeat(call.account, call.kf_account)
    return {"heartbeat_s": call.services.settings.heartbeat_s}


@routes.add(
    "POST",
    "/me/stream-alive",
    "me.heartbeat",
    summary="Confirm the event stream; a desk that has confirmed once must go on, else its stream ends",
    status=204,
)
def stream_alive(call: Call) -> None:
    call.account.seats.stream_alive(call.kf_account)


def _me(call: Call) -> dict[str, Any]:
    caller = call.caller
    cookie = caller.login if caller.kind == "cookie" else None
    return {
        "person": person_view(call.services, caller.person_id),
        "appid": caller.appid or None,
        "kf_account": caller.kf_account or None,
        **_service(call),
        "heartbeat_s": call.services.settings.heartbeat_s,
        "accounts": _accounts(call),
        "csrf_token": call.services.logins.csrf(cookie) if cookie else None,
    }


def _accounts(call: Call) -> list[dict[str, Any]]:
    within, served = call.reach, call.services.served
    configs = [one.account.config for appid, one in served.items() if appid in within]
    return [
        {
            "appid": one.appid,
            "name": one.name,
            "kind": one.kind,
            "sends": sorted(CHANNELS[one.kind].sendable),
        }
        for one in configs
    ]


def _service(call: Call) -> dict[str, Any]:
    nobody: dict[str, Any] = {"nickname": None, "groups": [], "max_sessions": 0, "status": None}
    nobody |= {"off_shift_ms": None}
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
            "off_shift_ms": seat.off_shift_ms or None,
            "load": len(account.seats.held(name)),
        }
    return nobody | {"present": False, "load": 0}
