"""Admin: groups, with members, fallback, opening hours and settings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from app.api.core import Body, Call, PageMeta, Routes, Shape, WholeQuery, page_of
from app.directory import mirror
from app.directory.kf_names import completed
from app.refusals import Refusal
from app.storage import groups
from app.storage.audit import acting
from app.storage.engine import Transaction
from app.storage.groups import Group
from app.storage.sql import reading
from routing.groups import DEFAULTS, MESSAGE_MAX, SECONDS_MAX

PATH = "/admin/groups"
ACTION = "admin.groups"
MEMBERS_MAX = 1_000

Seconds = Annotated[int, Field(ge=0, le=SECONDS_MAX)]
Spans = Annotated[list[str], Field(max_length=8)]

routes = Routes()


class HoursShape(Shape):
    """Spans such as 09:00-18:00 by weekday (mon … sun) and by date. A date's spans replace its weekday's."""

    timezone: str | None = None
    weekly: dict[str, list[str]] = Field(default_factory=dict)
    exceptions: dict[str, list[str]] = Field(default_factory=dict)


class GroupRow(Shape):
    """One group.

    ``fallback_after_s`` null: while no member is online, customers move to ``fallback`` at once.
    ``entry`` "": the account's entry applies. ``hours`` null: the group is always open.
    """

    name: str
    title: str
    fallback: str | None
    fallback_after_s: int | None
    assign: str
    entry: str
    ramp_s: int
    hours: HoursShape | None
    closed_message: str
    members: list[str]


class HoursBody(Body):
    """Opening hours. Days and dates are checked with the rest of the group."""

    timezone: str | None = Field(None, max_length=64)
    weekly: dict[str, Spans] = Field(default_factory=dict, max_length=7)
    exceptions: dict[str, Spans] = Field(default_factory=dict, max_length=400)


class GroupBody(Body):
    """The whole group. An absent field gets its default, but absent ``members`` stay."""

    title: str = Field(min_length=1, max_length=64)
    fallback: str | None = Field(None, min_length=1, max_length=64)
    fallback_after_s: Seconds | None = None
    assign: Literal["auto", "manual"] = "auto"
    entry: Literal["", "always", "on_request"] = ""
    ramp_s: Seconds = 0
    hours: HoursBody | None = None
    closed_message: str = Field("", max_length=MESSAGE_MAX)
    members: list[str] | None = Field(None, max_length=MEMBERS_MAX)


class NewGroupBody(GroupBody):
    """A new group. ``name`` has the characters a-z 0-9 _ - only."""

    name: str = Field(min_length=1, max_length=64)


@routes.add(
    "GET",
    PATH,
    ACTION,
    summary="List the groups",
    query=WholeQuery,
    answer=list[GroupRow],
    meta=PageMeta,
)
def list_groups(call: Call) -> tuple[Any, Any]:
    with reading(call.services.engine) as conn:
        found = groups.everyone(conn, call.account.appid)
    return page_of([_row(group) for group in found], call.query)


@routes.add(
    "POST",
    PATH,
    ACTION,
    summary="Add a group",
    body=NewGroupBody,
    answer=GroupRow,
    status=201,
    refuses=(409,),
)
def create_group(call: Call) -> dict[str, Any]:
    with acting(call.services.engine) as conn:
        groups.create(conn, call.actor, _group(call, call.body.name))
        changed = _set_members(call, conn, call.body.name)
    return _applied(call, call.body.name, changed)


@routes.add("GET", PATH + "/<name>", ACTION, summary="Return a group", answer=GroupRow)
def read_group(call: Call, name: str) -> dict[str, Any]:
    with reading(call.services.engine) as conn:
        return _row(groups.require(conn, call.account.appid, name))


@routes.add(
    "PUT",
    PATH + "/<name>",
    ACTION,
    summary="Change a group",
    body=GroupBody,
    answer=GroupRow,
    refuses=(409,),
)
def replace_group(call: Call, name: str) -> dict[str, Any]:
    with acting(call.services.engine) as conn:
        groups.replace(conn, call.actor, _group(call, name))
        changed = _set_members(call, conn, name)
    return _applied(call, name, changed)


@routes.add(
    "DELETE",
    PATH + "/<name>",
    ACTION,
    summary="Remove an unused group",
    status=204,
    refuses=(409,),
)
def remove_group(call: Call, name: str) -> None:
    """Remove a group in which nobody waits, since nobody would serve its queue. Raises Refusal conflict."""
    account = call.account
    if name in account.plan().in_use():
        raise Refusal("conflict", "The routing rules send customers to this group.")
    if account.seats.crowd(name, []).waiting:
        raise Refusal("conflict", "Customers are waiting in this group.")
    with acting(call.services.engine) as conn:
        members = groups.require(conn, account.appid, name).members
        groups.remove(conn, call.actor, account.appid, name)
    call.served.plans.reload()
    mirror.several(call.services.engine, account, members)


def _group(call: Call, name: str) -> Group:
    body = call.body
    settings = body.model_dump(include=set(DEFAULTS))
    if settings["hours"] is not None and settings["hours"]["timezone"] is None:
        del settings["hours"]["timezone"]
    edited = {key: value for key, value in settings.items() if value != DEFAULTS[key]}
    return Group(call.account.appid, name, body.title, body.fallback, edited)


def _set_members(call: Call, conn: Transaction, name: str) -> frozenset[str]:
    if call.body.members is None:
        return frozenset()
    config = call.account.config
    wanted = [completed(config, member) for member in call.body.members]
    return groups.set_members(conn, call.actor, config.appid, name, wanted)


def _applied(call: Call, name: str, changed: frozenset[str]) -> dict[str, Any]:
    """Apply a change on this node at once; other nodes read it within seconds. Returns the group."""
    call.served.plans.reload()
    mirror.several(call.services.engine, call.account, changed)
    with reading(call.services.engine) as conn:
        return _row(groups.require(conn, call.account.appid, name))


def _row(group: Group) -> dict[str, Any]:
    settings = {**DEFAULTS, **group.settings}
    hours = settings.pop("hours")
    empty: dict[str, Any] = {"timezone": None, "weekly": {}, "exceptions": {}}
    return {
        "name": group.name,
        "title": group.title,
        "fallback": group.fallback,
        **settings,
        "hours": None if hours is None else {**empty, **hours},
        "members": list(group.members),
    }
