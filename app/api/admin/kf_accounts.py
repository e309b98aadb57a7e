"""Admin: kf accounts, which are created at WeChat first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from app.api.core import Body, Call, PageMeta, Routes, Shape, WholeQuery, page_of
from app.api.shapes import StatusName
from app.directory import kf_people
from app.directory.kf_accounts import KfDirectory, NewAgent
from app.directory.kf_names import AVATAR_MAX_BYTES
from app.directory.kf_people import PersonChange, Wish
from app.directory.kf_sync import KfSync
from app.refusals import Refusal
from app.storage import people
from app.storage.kf_accounts import MAX_SESSIONS_LIMIT, KfAccount
from app.storage.people import Person
from app.storage.sql import reading
from sessions.seats import Seat

PATH = "/admin/kf-accounts"
ACTION = "admin.kf_accounts"
OVERHEAD_BYTES = 64 * 1024
STORED = (
    *("appid", "kf_account", "nickname", "platform", "platform_note", "kf_id", "avatar"),
    *("max_sessions", "disabled", "created_ms", "updated_ms"),
)

RoleName = Literal["agent", "supervisor", "admin"]
Password = Annotated[str, Field(min_length=8, max_length=256)]
Username = Annotated[str, Field(min_length=1, max_length=64)]
Seats = Annotated[int, Field(ge=0, le=MAX_SESSIONS_LIMIT)]
GroupNames = Annotated[list[str], Field(max_length=100)]

routes = Routes()


class KfAccountShape(Shape):
    """A kf account. ``platform``: its state at WeChat; ``platform_note``: why it is not further. ``username``
    and ``role`` are of the person who signs in with it. ``status``, ``present``, ``load`` are of now."""

    appid: str
    kf_account: str
    nickname: str
    platform: Literal["local", "registered", "invited", "bound"]
    platform_note: str
    kf_id: str
    avatar: str
    groups: list[str]
    max_sessions: int
    disabled: bool
    created_ms: int
    updated_ms: int
    username: str | None
    role: str | None
    status: StatusName
    present: bool
    load: int


class KfAccountMade(KfAccountShape):
    """A kf account. ``generated_password`` is shown only once, where none was given."""

    generated_password: str | None


class SyncShape(Shape):
    """Names of kf accounts by what the sync did."""

    imported: list[str]
    changed: list[str]
    missing: list[str]
    registered: list[str]
    skipped: list[str]


class NewKfAccountBody(Body):
    """A new kf account. ``password``, ``role`` or ``username`` add a person who signs in with it."""

    kf_account: str = Field(min_length=1, max_length=64)
    nickname: str = Field(min_length=1, max_length=64)
    username: Username | None = None
    password: Password | None = Field(None, repr=False)
    role: RoleName | None = None
    groups: GroupNames = Field(default_factory=list)
    max_sessions: Seats | None = None


class KfAccountChange(Body):
    """A change of a kf account. Absent fields keep their values."""

    nickname: str | None = Field(None, min_length=1, max_length=64)
    groups: GroupNames | None = None
    max_sessions: Seats | None = None
    disabled: bool | None = None
    username: Username | None = None
    password: Password | None = Field(None, repr=False)
    role: RoleName | None = None


class InviteBody(Body):
    """``invite_wx``: the WeChat id of the future agent."""

    invite_wx: str = Field(min_length=1, max_length=64)


class SyncBody(Body):
    """``fresh``: ask WeChat now instead of using its list of the last five minutes.

    ``register_local``: create at WeChat the kf accounts that exist only here.
    """

    fresh: bool = False
    register_local: bool = False


class KfListQuery(WholeQuery):
    """``group``: only kf accounts that serve it."""

    group: str | None = Field(None, max_length=64)


def directory(call: Call) -> KfDirectory:
    return KfDirectory.of(call.services, call.served)


@routes.add(
    "GET",
    PATH,
    ACTION,
    summary="List the kf accounts",
    query=KfListQuery,
    answer=list[KfAccountShape],
    meta=PageMeta,
)
def list_kf_accounts(call: Call) -> tuple[Any, Any]:
    wanted = call.query.group
    rows = [row for row in directory(call).everyone() if wanted is None or wanted in row.groups]
    shown, meta = page_of(rows, call.query)
    return _views(call, shown), meta


@routes.add(
    "POST",
    PATH,
    ACTION,
    summary="Register a kf account, at WeChat first",
    body=NewKfAccountBody,
    answer=KfAccountMade,
    status=201,
    refuses=(409, 502),
)
def register_kf_account(call: Call) -> dict[str, Any]:
    body = call.body
    person = None
    if not PersonChange(body.username, body.password, body.role).empty:
        person = Wish(body.username or "", body.password or "", body.role or "agent")
    wish = NewAgent(body.kf_account, body.nickname, body.max_sessions, tuple(body.groups), person)
    made = directory(call).register(call.actor, wish)
    return _shown(call, made.row) | {"generated_password": made.generated_password}


@routes.add(
    "POST",
    PATH + "/sync",
    ACTION,
    summary="Import WeChat's kf accounts, and mark those that it lost",
    body=SyncBody,
    answer=SyncShape,
    refuses=(409, 502),
)
def sync_kf_accounts(call: Call) -> dict[str, Any]:
    body = call.body
    done = KfSync(call.services, call.served).run(
        call.actor, fresh=body.fresh, register_local=body.register_local
    )
    return {name: list(getattr(done, name)) for name in SyncShape.model_fields}


@routes.add(
    "GET", PATH + "/<kf_account>", ACTION, summary="Return a kf account", answer=KfAccountShape
)
def read_kf_account(call: Call, kf_account: str) -> dict[str, Any]:
    return _shown(call, directory(call).get(kf_account))


@routes.add(
    "PATCH",
    PATH + "/<kf_account>",
    ACTION,
    summary="Change a kf account; disabling signs out everywhere and re-routes its customers",
    body=KfAccountChange,
    answer=KfAccountMade,
    refuses=(409, 502),
)
def change_kf_account(call: Call, kf_account: str) -> dict[str, Any]:
    body, kf, actor = call.body, directory(call), call.actor
    row = kf.get(kf_account)
    columns = {
        name: getattr(body, name)
        for name in ("nickname", "groups", "max_sessions")
        if getattr(body, name) is not None
    }
    if columns:
        row = kf.change(actor, kf_account, columns)
    person = PersonChange(body.username, body.password, body.role)
    generated = None
    if not person.empty:
        generated = kf_people.change(call.services, actor, row, person)
    if body.disabled is not None and body.disabled != row.disabled:
        row = kf.set_disabled(actor, kf_account, body.disabled)
    return _shown(call, kf.get(kf_account)) | {"generated_password": generated}


@routes.add(
    "DELETE",
    PATH + "/<kf_account>",
    ACTION,
    summary="Remove a kf account at WeChat and here; signs out everywhere and re-routes its customers",
    status=204,
    refuses=(409, 502),
)
def remove_kf_account(call: Call, kf_account: str) -> None:
    directory(call).remove(call.actor, kf_account)


@routes.add(
    "POST",
    PATH + "/<kf_account>/invite",
    ACTION,
    summary="Invite a WeChat user to be the agent of a kf account",
    body=InviteBody,
    answer=KfAccountShape,
    refuses=(409, 502),
)
def invite(call: Call, kf_account: str) -> dict[str, Any]:
    return _shown(call, directory(call).invite(call.actor, kf_account, call.body.invite_wx))


@routes.add(
    "POST",
    PATH + "/<kf_account>/avatar",
    ACTION,
    summary="Set the picture: a JPEG of at most 5 MB, as a form's field file or bare bytes",
    answer=KfAccountShape,
    files_max_bytes=AVATAR_MAX_BYTES + OVERHEAD_BYTES,
    refuses=(409, 415, 502),
)
def set_avatar(call: Call, kf_account: str) -> dict[str, Any]:
    row = directory(call).set_avatar(call.actor, kf_account, _picture(call))
    return _shown(call, row)


def _picture(call: Call) -> bytes:
    if call.request.mimetype != "multipart/form-data":
        return call.request.get_data(cache=False)
    files = list(call.request.files.values())
    if len(files) != 1:
        raise Refusal("invalid", "The form must have exactly one file, in the field file.")
    content: bytes = files[0].read()
    return content


def _shown(call: Call, row: KfAccount) -> dict[str, Any]:
    return _views(call, [row])[0]


def _views(call: Call, rows: Sequence[KfAccount]) -> list[dict[str, Any]]:
    """Return the rows as the API shows them, with their people and their load of now."""
    account, names = call.account, [row.kf_account for row in rows]
    with reading(call.services.engine) as conn:
        everyone = people.everyone(conn)
    held = {person.kf_account: person for person in everyone if person.appid == account.appid}
    loads = account.seats.crowd("", names).loads
    seats = {seat.kf_account: seat for seat in account.seats.read(names)}
    present = account.attendance.present()
    return [
        _view(row, held.get(row.kf_account), seats.get(row.kf_account))
        | {"present": row.kf_account in present, "load": loads[row.kf_account]}
        for row in rows
    ]


def _view(row: KfAccount, person: Person | None, seat: Seat | None) -> dict[str, Any]:
    stored = {name: getattr(row, name) for name in STORED}
    return stored | {
        "groups": list(row.groups),
        "username": person.username if person else None,
        "role": person.role if person else None,
        "status": seat.status.value if seat else "offline",
    }
