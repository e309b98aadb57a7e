"""Groups of kf accounts, each with its queue, members and fallback."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, select

from app.storage import checks
from app.storage.audit import Actor, record
from app.storage.errors import Invalid, Missing, Taken
from app.storage.schema import groups, kf_accounts, memberships
from app.storage.sql import insert_into
from routing.groups import setting_problems

NAME: Final = re.compile(r"[a-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Group:
    """A group. ``fallback`` is the group that gets its customers if it cannot serve them, or None.

    ``settings`` are those of ``routing/groups.py``. An absent one has its default.
    """

    appid: str
    name: str
    title: str
    fallback: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    members: tuple[str, ...] = ()


def ensure(conn: Connection, group: Group, now_ms: int) -> None:
    """Insert a shipped group unless its name exists. It is no act of a person, so it is not audited."""
    statement = insert_into(conn, groups).on_conflict_do_nothing()
    conn.execute(statement, _row(conn, group) | {"updated_ms": now_ms})


def create(conn: Connection, actor: Actor, group: Group) -> Group:
    """Insert a group. Raises ``Taken``, ``Invalid``, ``Missing`` (the fallback)."""
    if _find(conn, group.appid, group.name):
        raise Taken(f"the group {group.name} exists already")
    conn.execute(groups.insert(), _row(conn, group) | {"updated_ms": actor.at_ms})
    record(conn, actor, "group.create", group.name, {"fallback": group.fallback})
    return require(conn, group.appid, group.name)


def replace(conn: Connection, actor: Actor, group: Group) -> Group:
    """Change title, fallback and settings; members are set by ``set_members``.

    Raises ``Missing``, and ``Invalid`` on a circle of fallbacks.
    """
    before = require(conn, group.appid, group.name)
    values = _row(conn, group) | {"updated_ms": actor.at_ms}
    conn.execute(groups.update().where(_is(group.appid, group.name)).values(values))
    detail = {"before": _document(before), "after": _document(group)}
    record(conn, actor, "group.update", group.name, detail)
    return require(conn, group.appid, group.name)


def remove(conn: Connection, actor: Actor, appid: str, name: str) -> None:
    """Delete a group; its members leave it. Raises ``Missing``, ``Taken`` (it is a fallback)."""
    before = require(conn, appid, name)
    using = and_(groups.c.appid == appid, groups.c.fallback == name)
    user = conn.execute(select(groups.c.name).where(using).limit(1)).scalar()
    if user:
        raise Taken(f"the group {name} is the fallback of {user}")
    conn.execute(groups.delete().where(_is(appid, name)))
    detail = {"before": _document(before) | {"members": list(before.members)}}
    record(conn, actor, "group.remove", name, detail)


def set_members(
    conn: Connection, actor: Actor, appid: str, name: str, members: Iterable[str]
) -> frozenset[str]:
    """Replace the members. Returns the kf accounts that joined or left.

    Raises ``Missing`` (the group), ``Invalid`` (a kf_account that is not in use).
    """
    before, wanted = frozenset(require(conn, appid, name).members), frozenset(members)
    in_use = select(kf_accounts.c.kf_account).where(
        kf_accounts.c.appid == appid, kf_accounts.c.removed_ms.is_(None)
    )
    unknown = wanted - set(conn.execute(in_use).scalars())
    if unknown:
        raise Invalid("members", f"no kf account {min(unknown)}")
    changed = before ^ wanted
    if changed:
        here = and_(memberships.c.appid == appid, memberships.c.group == name)
        conn.execute(memberships.delete().where(here))
        rows = [{"appid": appid, "group": name, "kf_account": kf} for kf in sorted(wanted)]
        if rows:
            conn.execute(memberships.insert(), rows)
        record(
            conn, actor, "group.members", name, {"before": sorted(before), "after": sorted(wanted)}
        )
    return changed


def everyone(conn: Connection, appid: str) -> list[Group]:
    """Return all groups of an official account by name, with their members."""
    member_rows = conn.execute(
        select(memberships.c.group, memberships.c.kf_account)
        .where(memberships.c.appid == appid)
        .order_by(memberships.c.kf_account)
    )
    members: dict[str, list[str]] = {}
    for group, kf_account in member_rows:
        members.setdefault(group, []).append(kf_account)
    query = select(groups).where(groups.c.appid == appid).order_by(groups.c.name)
    return [_group(row, tuple(members.get(row.name, ()))) for row in conn.execute(query)]


def require(conn: Connection, appid: str, name: str) -> Group:
    """Return a group with its members. Raises ``Missing``."""
    for group in everyone(conn, appid):
        if group.name == name:
            return group
    raise Missing(f"no group {name}")


def _find(conn: Connection, appid: str, name: str) -> Any:
    return conn.execute(select(groups).where(_is(appid, name))).first()


def _document(group: Group) -> dict[str, Any]:
    """Return the group as the audit log records it."""
    return {"title": group.title, "fallback": group.fallback, "settings": group.settings}


def _is(appid: str, name: str) -> ColumnElement[bool]:
    return and_(groups.c.appid == appid, groups.c.name == name)


def _row(conn: Connection, group: Group) -> dict[str, Any]:
    if not NAME.fullmatch(group.name):
        raise Invalid("name", "must be 1 to 64 of a-z 0-9 _ -")
    _refuse_circle(conn, group)
    return {
        "appid": group.appid,
        "name": group.name,
        "title": checks.line("title", group.title),
        "fallback": group.fallback,
        "settings": _settings(group.settings),
    }


def _settings(settings: dict[str, Any]) -> dict[str, Any]:
    for problem in setting_problems(settings):
        field_name, _, reason = problem.partition(": ")
        raise Invalid(field_name, reason)
    return checks.mapping("settings", settings)


def _refuse_circle(conn: Connection, group: Group) -> None:
    seen, following = {group.name}, group.fallback
    while following is not None:
        if following in seen:
            raise Invalid("fallback", "leads back to the group itself")
        seen.add(following)
        row = _find(conn, group.appid, following)
        if row is None:
            raise Missing(f"no group {following}")
        following = row.fallback


def _group(row: Any, members: tuple[str, ...]) -> Group:
    return Group(row.appid, row.name, row.title, row.fallback, row.settings, members)
