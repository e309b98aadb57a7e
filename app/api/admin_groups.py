"""Admin: groups and their fallbacks. Who is in a group is set on the kf accounts."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from app.api.core import Body, Call, Routes, Shape
from app.directory import mirror
from app.plans import Plans
from app.refusals import Refusal
from app.storage import groups
from app.storage.audit import acting
from app.storage.groups import Group
from sessions.sql import reading

PATH = "/admin/groups"
ACTION = "admin.groups"

routes = Routes()


class GroupRow(Shape):
    """One group; ``fallback`` helps out while nobody of it is online."""

    name: str
    title: str
    fallback: str | None
    settings: dict[str, Any]
    members: list[str]


class GroupBody(Body):
    """All of it: what is absent is emptied."""

    title: str = Field(min_length=1, max_length=64)
    fallback: str | None = Field(None, min_length=1, max_length=64)
    settings: dict[str, Any] = Field(default_factory=dict)


class NewGroupBody(GroupBody):
    """``name``: a-z 0-9 _ -."""

    name: str = Field(min_length=1, max_length=64)


@routes.add("GET", PATH, ACTION, summary="All groups", answer=list[GroupRow])
def list_groups(call: Call) -> list[dict[str, Any]]:
    with reading(call.services.engine) as conn:
        return [_row(group) for group in groups.everyone(conn, call.account.appid)]


@routes.add(
    "POST", PATH, ACTION, summary="A new group", body=NewGroupBody, answer=GroupRow, status=201
)
def create_group(call: Call) -> dict[str, Any]:
    with acting(call.services.engine) as conn:
        made = groups.create(conn, call.actor, _group(call, call.body.name))
    _reload(call)
    return _row(made)


@routes.add("GET", PATH + "/<name>", ACTION, summary="One group", answer=GroupRow)
def read_group(call: Call, name: str) -> dict[str, Any]:
    with reading(call.services.engine) as conn:
        return _row(groups.require(conn, call.account.appid, name))


@routes.add(
    "PUT", PATH + "/<name>", ACTION, summary="Change a group", body=GroupBody, answer=GroupRow
)
def replace_group(call: Call, name: str) -> dict[str, Any]:
    with acting(call.services.engine) as conn:
        changed = groups.replace(conn, call.actor, _group(call, name))
    _reload(call)
    return _row(changed)


@routes.add("DELETE", PATH + "/<name>", ACTION, summary="Remove an unused group", status=204)
def remove_group(call: Call, name: str) -> None:
    """Nobody may wait in it: a queue that no agent serves would never end."""
    account = call.account
    if name in account.plan().in_use():
        raise Refusal("conflict", "The routing rules send customers to this group.")
    if account.seats.crowd(name, []).waiting:
        raise Refusal("conflict", "Customers wait in this group.")
    with acting(call.services.engine) as conn:
        members = groups.require(conn, account.appid, name).members
        groups.remove(conn, call.actor, account.appid, name)
    for kf_account in members:
        mirror.one(call.services.engine, account, kf_account)
    _reload(call)


def _group(call: Call, name: str) -> Group:
    body = call.body
    return Group(call.account.appid, name, body.title, body.fallback, body.settings)


def _reload(call: Call) -> None:
    """At once on this node; the others read within seconds."""
    if isinstance(call.account.plan, Plans):
        call.account.plan.reload()


def _row(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "title": group.title,
        "fallback": group.fallback,
        "settings": group.settings,
        "members": list(group.members),
    }
