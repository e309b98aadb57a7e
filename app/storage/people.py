"""Persons who sign in. They serve customers with the kf_account that they may hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

from sqlalchemy import Connection, Row, func, or_, select

from app.storage import checks
from app.storage.audit import Actor, record
from app.storage.errors import Invalid, Missing, Taken
from app.storage.lookalikes import skeleton
from app.storage.schema import people
from app.storage.sql import StorageConflict, insert_into

USERNAME: Final = re.compile(r"[\w.-]{1,64}")
SAME_PREFIX_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Person:
    """A person. ``appid`` and ``kf_account`` are both None if they do not serve.

    ``leads``: appids of the official accounts that a supervisor leads besides their own.
    """

    id: int
    username: str
    display_name: str
    role: str
    appid: str | None
    kf_account: str | None
    disabled: bool
    created_ms: int
    password_changed_ms: int
    password_hash: str = field(repr=False)
    leads: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A new person, whose password is hashed already."""

    username: str
    role: str
    password_hash: str = field(repr=False)
    display_name: str = ""
    appid: str | None = None
    kf_account: str | None = None
    leads: Sequence[str] = ()


CHANGEABLE: Final = frozenset({"display_name", "role", "disabled", "appid", "kf_account", "leads"})
_COLUMNS: Final = [people.c[f.name] for f in fields(Person)]


def create(conn: Connection, actor: Actor, new: NewPerson) -> Person:
    """Insert a person. Raises ``Taken``, ``Invalid``, or ``StorageConflict`` on a bad role."""
    username = clean_username(new.username)
    refuse_lookalike(conn, username)
    row = {
        "username": username,
        "display_name": checks.line("display_name", new.display_name or username),
        "role": new.role,
        "password_hash": new.password_hash,
        "appid": new.appid,
        "kf_account": new.kf_account,
        "disabled": False,
        "leads": list(new.leads),
        "created_ms": actor.at_ms,
        "password_changed_ms": actor.at_ms,
    }
    statement = insert_into(conn, people).on_conflict_do_nothing().returning(*_COLUMNS)
    made = conn.execute(statement, row).first()
    if made is None:
        raise Taken(f"the username {username} or its kf_account is in use already")
    person = _person(made)
    detail: dict[str, Any] = {"role": person.role, "kf_account": person.kf_account}
    detail |= {"leads": person.leads} if person.leads else {}
    record(conn, actor, "person.create", person.username, detail)
    return person


def get(conn: Connection, person_id: int) -> Person:
    """Return a person. Raises ``Missing``."""
    row = conn.execute(select(*_COLUMNS).where(people.c.id == person_id)).first()
    if row is None:
        raise Missing(f"no person {person_id}")
    return _person(row)


def everyone(conn: Connection) -> list[Person]:
    """Return all persons by username."""
    return [_person(row) for row in conn.execute(select(*_COLUMNS).order_by(people.c.username))]


def holder(conn: Connection, appid: str, kf_account: str) -> Person | None:
    """Return the person who holds the kf_account, or None."""
    query = select(*_COLUMNS).where(people.c.appid == appid, people.c.kf_account == kf_account)
    row = conn.execute(query).first()
    return _person(row) if row else None


def by_sign_in_name(
    conn: Connection, name: str, may: Callable[[Person], bool] = lambda person: True
) -> Person | None:
    """Return the person of a sign-in name: a username, else a kf_account, in full or its bare prefix.

    Only persons who ``may`` count. A prefix that two of their official accounts share names nobody.
    """
    key = _fold(name)
    if not key or len(key) > 64 or "\0" in key:
        return None
    exact = conn.execute(select(*_COLUMNS).where(people.c.username == key)).first()
    if exact and may(_person(exact)):
        return _person(exact)
    account = func.lower(people.c.kf_account)
    prefix = key.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%") + "@%"
    wanted = or_(account == key, account.like(prefix, escape="\\"))
    rows = conn.execute(select(*_COLUMNS).where(wanted).limit(SAME_PREFIX_MAX))
    found = [person for person in map(_person, rows) if may(person)]
    return found[0] if len(found) == 1 else None


def update(conn: Connection, actor: Actor, person_id: int, changes: Mapping[str, Any]) -> Person:
    """Change columns of ``CHANGEABLE``.

    Raises ``Missing``, and ``Taken`` if another person holds the kf_account.
    """
    before = get(conn, person_id)
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise Invalid(sorted(unknown)[0], "cannot be changed")
    values = dict(changes)
    if "display_name" in values:
        values["display_name"] = checks.line("display_name", values["display_name"])
    values = {name: value for name, value in values.items() if getattr(before, name) != value}
    if not values:
        return before
    _refuse_second_holder(conn, before, values)
    conn.execute(people.update().where(people.c.id == person_id).values(values))
    record(conn, actor, "person.update", before.username, values)
    return get(conn, person_id)


def set_password(conn: Connection, actor: Actor, person_id: int, password_hash: str) -> None:
    """Store a new password hash. Raises ``Missing``."""
    person = get(conn, person_id)
    values = {"password_hash": password_hash, "password_changed_ms": actor.at_ms}
    conn.execute(people.update().where(people.c.id == person_id).values(values))
    record(conn, actor, "person.password", person.username)


def rehash(conn: Connection, person: Person, password_hash: str) -> None:
    """Store the hash of the same password with newer parameters. It is no act, so it is not audited.

    A password that was changed concurrently stays.
    """
    same = (people.c.id == person.id) & (people.c.password_hash == person.password_hash)
    conn.execute(people.update().where(same).values(password_hash=password_hash))


def lookalike(conn: Connection, username: str) -> str | None:
    """Return another username that looks the same to a reader, None if there is none."""
    name = clean_username(username)
    wanted = skeleton(name)
    known = conn.execute(select(people.c.username)).scalars()
    return next((one for one in known if one != name and skeleton(one) == wanted), None)


def refuse_lookalike(conn: Connection, username: str) -> None:
    """Refuse a new username that looks like an existing one. Raises ``Taken``, ``Invalid``."""
    if alike := lookalike(conn, username):
        raise Taken(f"the username {username} looks like {alike}, which is in use already")


def count_admins(conn: Connection) -> int:
    """Return the number of admins who may sign in."""
    enabled = (people.c.role == "admin") & people.c.disabled.is_(False)
    return int(conn.execute(select(func.count()).where(enabled)).scalar_one())


def clean_username(username: str) -> str:
    """Return the stored form of a username: letters and digits of any script, ``_ . -``, lower case."""
    folded = _fold(username)
    if not USERNAME.fullmatch(folded):
        raise Invalid("username", "must be 1 to 64 letters, digits or _ . -")
    return folded


def _fold(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _refuse_second_holder(conn: Connection, person: Person, values: Mapping[str, Any]) -> None:
    appid = values.get("appid", person.appid)
    kf_account = values.get("kf_account", person.kf_account)
    if (appid is None) != (kf_account is None):
        raise StorageConflict("appid and kf_account go together")
    if appid is None:
        return
    other = holder(conn, appid, kf_account)
    if other and other.id != person.id:
        raise Taken(f"{kf_account} is held by {other.username} already")


def _person(row: Row[Any]) -> Person:
    return Person(**row._mapping)
