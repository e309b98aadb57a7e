"""Customer-service accounts (kf_account) of the official accounts, and the groups that they serve.

The row of a removed account stays, because conversations refer to it. Creating the account again reuses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, select

from app.storage import checks
from app.storage.audit import Actor, record
from app.storage.errors import Invalid, Missing, Taken
from app.storage.groups import require as require_group
from app.storage.schema import kf_accounts, memberships
from app.storage.sql import insert_into

PLATFORMS: Final = ("local", "registered", "invited", "bound")
MAX_SESSIONS_LIMIT: Final = 1000
KF_ACCOUNT_MAX_CHARS: Final = 64
CHANGEABLE: Final = frozenset(
    {"nickname", "platform", "platform_note", "kf_id", "avatar", "max_sessions", "disabled"}
)


@dataclass(frozen=True, slots=True)
class KfAccount:
    """A kf account. ``platform`` is its state at WeChat, ``platform_note`` the reason for it.

    Empty ``groups``: it serves the default group. ``removed_ms`` None: it is in use.
    """

    appid: str
    kf_account: str
    nickname: str
    platform: str
    platform_note: str
    kf_id: str
    avatar: str
    max_sessions: int
    disabled: bool
    created_ms: int
    updated_ms: int
    removed_ms: int | None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewKfAccount:
    """A new kf account. ``kf_account`` has its full form."""

    appid: str
    kf_account: str
    nickname: str
    max_sessions: int
    platform: str = "local"
    platform_note: str = ""
    kf_id: str = ""
    avatar: str = ""
    groups: tuple[str, ...] = ()


def create(conn: Connection, actor: Actor, new: NewKfAccount) -> KfAccount:
    """Insert a kf account, or reuse a removed row. Raises ``Taken``, ``Invalid``, ``Missing`` (a group)."""
    values = _checked(
        {
            "nickname": new.nickname,
            "platform": new.platform,
            "platform_note": new.platform_note,
            "kf_id": new.kf_id,
            "avatar": new.avatar,
            "max_sessions": new.max_sessions,
            "disabled": False,
        }
    )
    values |= {"created_ms": actor.at_ms, "updated_ms": actor.at_ms, "removed_ms": None}
    name = checks.line("kf_account", new.kf_account, KF_ACCOUNT_MAX_CHARS)
    key = {"appid": new.appid, "kf_account": name}
    statement = insert_into(conn, kf_accounts)
    revive = statement.on_conflict_do_update(
        index_elements=list(key), set_=values, where=kf_accounts.c.removed_ms.is_not(None)
    ).returning(kf_accounts.c.kf_account)
    if conn.execute(revive, key | values).first() is None:
        raise Taken(f"{name} exists already")
    _write_groups(conn, new.appid, name, new.groups)
    detail = {"platform": new.platform, "groups": list(new.groups)}
    record(conn, actor, "kf_account.create", name, detail)
    return get(conn, new.appid, name)


def get(conn: Connection, appid: str, kf_account: str) -> KfAccount:
    """Return a kf account in use. Raises ``Missing``."""
    where = and_(_is(appid, kf_account), kf_accounts.c.removed_ms.is_(None))
    found = _load(conn, where, appid)
    if not found:
        raise Missing(f"no kf_account {kf_account}")
    return found[0]


def everyone(conn: Connection, appid: str, *, removed: bool = False) -> list[KfAccount]:
    """Return the kf accounts of an official account by name, with ``removed`` also removed ones."""
    where = kf_accounts.c.appid == appid
    if not removed:
        where = and_(where, kf_accounts.c.removed_ms.is_(None))
    return _load(conn, where, appid)


def update(
    conn: Connection, actor: Actor, appid: str, kf_account: str, changes: Mapping[str, Any]
) -> KfAccount:
    """Change columns of ``CHANGEABLE``. Raises ``Missing``, ``Invalid``."""
    before = get(conn, appid, kf_account)
    values = _checked(changes)
    values = {name: value for name, value in values.items() if getattr(before, name) != value}
    if not values:
        return before
    stamped = values | {"updated_ms": actor.at_ms}
    conn.execute(kf_accounts.update().where(_is(appid, kf_account)).values(stamped))
    record(conn, actor, "kf_account.update", kf_account, values)
    return get(conn, appid, kf_account)


def set_groups(
    conn: Connection, actor: Actor, appid: str, kf_account: str, groups: Iterable[str]
) -> KfAccount:
    """Replace the groups of a kf account. Raises ``Missing`` for the account or a group."""
    before = get(conn, appid, kf_account)
    wanted = tuple(sorted(set(groups)))
    if wanted == before.groups:
        return before
    _write_groups(conn, appid, kf_account, wanted)
    record(conn, actor, "kf_account.groups", kf_account, {"groups": list(wanted)})
    return get(conn, appid, kf_account)


def remove(conn: Connection, actor: Actor, appid: str, kf_account: str) -> None:
    """Mark a kf account as removed and take it out of its groups. Raises ``Missing``."""
    get(conn, appid, kf_account)
    values = {"removed_ms": actor.at_ms, "updated_ms": actor.at_ms, "disabled": True}
    conn.execute(kf_accounts.update().where(_is(appid, kf_account)).values(values))
    _write_groups(conn, appid, kf_account, ())
    record(conn, actor, "kf_account.remove", kf_account)


def _is(appid: str, kf_account: str) -> ColumnElement[bool]:
    return and_(kf_accounts.c.appid == appid, kf_accounts.c.kf_account == kf_account)


def _load(conn: Connection, where: ColumnElement[bool], appid: str) -> list[KfAccount]:
    rows = conn.execute(select(kf_accounts).where(where).order_by(kf_accounts.c.kf_account)).all()
    members = select(memberships).where(memberships.c.appid == appid).order_by(memberships.c.group)
    groups: dict[str, list[str]] = {}
    for row in conn.execute(members).mappings():
        groups.setdefault(row["kf_account"], []).append(row["group"])
    return [KfAccount(**row._mapping, groups=tuple(groups.get(row.kf_account, ()))) for row in rows]


def _write_groups(conn: Connection, appid: str, kf_account: str, groups: Iterable[str]) -> None:
    mine = and_(memberships.c.appid == appid, memberships.c.kf_account == kf_account)
    conn.execute(memberships.delete().where(mine))
    for group in sorted(set(groups)):
        require_group(conn, appid, group)
        row = {"appid": appid, "kf_account": kf_account, "group": group}
        conn.execute(memberships.insert(), row)


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise Invalid(sorted(unknown)[0], "cannot be changed")
    values = dict(changes)
    if "nickname" in values:
        values["nickname"] = checks.line("nickname", values["nickname"])
    if values.get("platform", "local") not in PLATFORMS:
        raise Invalid("platform", f"must be one of {', '.join(PLATFORMS)}")
    if not 0 <= values.get("max_sessions", 0) <= MAX_SESSIONS_LIMIT:
        raise Invalid("max_sessions", f"must be between 0 and {MAX_SESSIONS_LIMIT}")
    return values
