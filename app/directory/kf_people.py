"""The person who signs in with a kf_account. They are created, locked and released with it.

``change`` is a whole use case. The other functions work inside the caller's transaction, and the caller
signs the person out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from app.auth.passwords import Passwords, generate
from app.auth.roles import AGENT, ROLES
from app.directory.people import PeopleDirectory
from app.services import Services
from app.storage import people, values
from app.storage.audit import Actor, acting
from app.storage.engine import Transaction
from app.storage.errors import Invalid, Taken
from app.storage.kf_accounts import KfAccount, NewKfAccount
from app.storage.people import NewPerson, Person, clean_username
from app.storage.sql import reading

USERNAME_MAX_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class Wish:
    """A person to create. An empty username is derived from the kf_account, an empty password generated."""

    username: str = ""
    password: str = field(default="", repr=False)
    role: str = AGENT


@dataclass(frozen=True, slots=True)
class Prepared:
    """A person ready to be stored. ``chosen``: the admin chose the username."""

    new: NewPerson
    chosen: bool
    generated: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class PersonChange:
    """What an admin changes on a kf_account's person. None leaves a value as it is."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    role: str | None = None

    @property
    def empty(self) -> bool:
        return self.username is None and self.password is None and self.role is None


def check(conn: Transaction, new: NewKfAccount, wish: Wish) -> None:
    """Refuse a person who could not be stored. Raises Taken, Invalid."""
    if wish.role not in ROLES:
        raise Invalid("role", f"must be one of {', '.join(ROLES)}")
    if wish.username:
        found = _named(conn, clean_username(wish.username))
        if found and not _released(found):
            raise Taken(f"the username {found.username} is in use already")
        if not found:
            people.refuse_lookalike(conn, wish.username)


def prepared(passwords: Passwords, new: NewKfAccount, wish: Wish | None) -> Prepared | None:
    """Hash the password, before a transaction begins. Raises WeakPassword, Busy."""
    if wish is None:
        return None
    generated = None if wish.password else generate()
    prefix = new.kf_account.partition("@")[0]
    username = clean_username(wish.username or prefix)
    hashed = passwords.hash_new(generated or wish.password, username, prefix, new.nickname)
    person = NewPerson(username, wish.role, hashed, new.nickname, new.appid, new.kf_account)
    return Prepared(person, bool(wish.username), generated)


def give(conn: Transaction, actor: Actor, row: KfAccount, person: Prepared) -> Person:
    """Give the kf_account its person: a new one, or a released agent with the username."""
    new = person.new
    found = _named(conn, new.username)
    if found and _released(found):
        return _again(conn, actor, found, new)
    alike = found or people.lookalike(conn, new.username)
    if alike and not person.chosen:
        spare = row.kf_account.replace("@", ".").casefold()
        new = replace(new, username=spare[:USERNAME_MAX_CHARS])
        found = _named(conn, new.username)
        if found and _released(found):
            return _again(conn, actor, found, new)
    return people.create(conn, actor, new)


def lock(conn: Transaction, actor: Actor, row: KfAccount) -> Person | None:
    """Lock the person of a disabled kf_account if their role is agent. Returns the person, if any."""
    person = people.holder(conn, row.appid, row.kf_account)
    if person and person.role == AGENT and not person.disabled:
        people.update(conn, actor, person.id, {"disabled": True})
        values.put(conn, _key(row), str(person.id))
    return person


def unlock(conn: Transaction, actor: Actor, row: KfAccount) -> None:
    """Undo ``lock``. A person whom an admin disabled stays disabled."""
    person = people.holder(conn, row.appid, row.kf_account)
    locked = values.get(conn, _key(row))
    if person and locked == str(person.id):
        people.update(conn, actor, person.id, {"disabled": False})
    values.remove(conn, _key(row))


def release(conn: Transaction, actor: Actor, row: KfAccount) -> Person | None:
    """Take the kf_account from its person, and disable the person if they were an agent."""
    person = people.holder(conn, row.appid, row.kf_account)
    values.remove(conn, _key(row))
    if person is None:
        return None
    changes: dict[str, object] = {"appid": None, "kf_account": None}
    if person.role == AGENT:
        changes["disabled"] = True
    return people.update(conn, actor, person.id, changes)


def change(services: Services, actor: Actor, row: KfAccount, wanted: PersonChange) -> str | None:
    """Change the person and sign them out everywhere; a kf_account without a person gets one.

    Returns the password if it was generated here. Nothing stores it in plain text.
    """
    with reading(services.engine) as conn:
        holder = people.holder(conn, row.appid, row.kf_account)
    if holder is None:
        return _add(services, actor, row, wanted)
    directory = PeopleDirectory(services.engine, services.passwords, services.logins)
    if wanted.role is not None and wanted.role != holder.role:
        directory.set_role(actor, holder.id, wanted.role)
    if wanted.password is not None:
        directory.reset_password(actor, holder.id, wanted.password)
    return None


def _add(services: Services, actor: Actor, row: KfAccount, wanted: PersonChange) -> str | None:
    new = NewKfAccount(row.appid, row.kf_account, row.nickname, row.max_sessions)
    wish = Wish(wanted.username or "", wanted.password or "", wanted.role or "agent")
    with reading(services.engine) as conn:
        check(conn, new, wish)
    person = prepared(services.passwords, new, wish)
    if person is None:
        return None
    with acting(services.engine) as conn:
        held = give(conn, actor, row, person)
    services.logins.revoke_all(held.id)
    return person.generated


def _again(conn: Transaction, actor: Actor, found: Person, new: NewPerson) -> Person:
    people.set_password(conn, actor, found.id, new.password_hash)
    changes = {
        "role": new.role,
        "display_name": new.display_name,
        "appid": new.appid,
        "kf_account": new.kf_account,
        "disabled": False,
    }
    return people.update(conn, actor, found.id, changes)


def _named(conn: Transaction, username: str) -> Person | None:
    found = people.by_sign_in_name(conn, username)
    return found if found and found.username == username else None


def _released(person: Person) -> bool:
    return person.disabled and person.kf_account is None and person.role == AGENT


def _key(row: KfAccount) -> str:
    return f"kf_lock:{row.appid}:{row.kf_account}"
