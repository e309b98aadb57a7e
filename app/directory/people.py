"""Use cases on persons, by admins and by themselves.

A change that takes a right away signs the person out everywhere: before the commit, so that an
unavailable Redis refuses the change, and after it, so that no sign-in in between remains valid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.auth.errors import BadCredentials
from app.auth.logins import Logins
from app.auth.passwords import Passwords, generate
from app.auth.roles import ADMIN, ROLES, SUPERVISOR
from app.auth.signin import SignIn
from app.storage import people
from app.storage.audit import Actor, acting
from app.storage.engine import Database, Transaction
from app.storage.errors import Invalid, Taken
from app.storage.people import NewPerson, Person
from app.storage.sql import StorageConflict, reading

FIRST_ADMIN: Final = "admin"


class LastAdmin(ValueError):
    """A change that would leave no admin."""

    def __init__(self) -> None:
        super().__init__("this is the last admin who can sign in")


@dataclass(frozen=True, slots=True)
class Registration:
    """A new person. An empty password is generated."""

    username: str
    role: str
    password: str = field(default="", repr=False)
    display_name: str = ""
    appid: str | None = None
    kf_account: str | None = None
    leads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registered:
    """A person, and the password if it was generated. It is shown once and stored as a hash only."""

    person: Person
    generated_password: str | None = field(default=None, repr=False)


class PeopleDirectory:
    """The persons of this installation.

    Methods raise ``Missing``, ``Taken``, ``Invalid``, ``WeakPassword``, ``LastAdmin``, ``Busy``.
    """

    def __init__(self, engine: Database, passwords: Passwords, logins: Logins) -> None:
        self._engine = engine
        self._passwords = passwords
        self._logins = logins

    def prepare(self, wish: Registration) -> tuple[NewPerson, str | None]:
        """Hash the password before a transaction begins, for use cases that insert more in it.

        Returns the argument of ``app.storage.people.create``, and the password if it was generated.
        """
        if wish.role not in ROLES:
            raise Invalid("role", f"must be one of {', '.join(ROLES)}")
        generated = None if wish.password else generate()
        hashed = self._passwords.hash_new(
            generated or wish.password, wish.username, wish.display_name, _prefix(wish.kf_account)
        )
        new = NewPerson(
            wish.username,
            wish.role,
            hashed,
            wish.display_name,
            wish.appid,
            wish.kf_account,
            leads_of(wish.role, wish.leads),
        )
        return new, generated

    def register(self, actor: Actor, wish: Registration) -> Registered:
        """Add a person. Raises ``StorageConflict`` if the kf_account does not exist."""
        new, generated = self.prepare(wish)
        with acting(self._engine) as conn:
            return Registered(people.create(conn, actor, new), generated)

    def everyone(self) -> list[Person]:
        with reading(self._engine) as conn:
            return people.everyone(conn)

    def rename(self, actor: Actor, person_id: int, display_name: str) -> Person:
        """Change the display name. Logins stay valid."""
        with acting(self._engine) as conn:
            return people.update(conn, actor, person_id, {"display_name": display_name})

    def set_role(self, actor: Actor, person_id: int, role: str) -> Person:
        """Change the role and sign out everywhere. Official accounts led by name end with the role."""
        if role not in ROLES:
            raise Invalid("role", f"must be one of {', '.join(ROLES)}")
        changes: dict[str, Any] = {"role": role} | ({} if role == SUPERVISOR else {"leads": []})
        return self._signing_out(
            person_id, lambda conn: people.update(conn, actor, person_id, changes)
        )

    def name_accounts(self, actor: Actor, person_id: int, leads: Sequence[str]) -> Person:
        """Set the official accounts that a supervisor leads besides their own, and sign out everywhere."""

        def change(conn: Transaction) -> Person:
            role = people.get(conn, person_id).role
            return people.update(conn, actor, person_id, {"leads": leads_of(role, leads)})

        return self._signing_out(person_id, change)

    def set_disabled(self, actor: Actor, person_id: int, disabled: bool) -> Person:
        """Disable or enable a person, and sign them out everywhere."""
        return self._signing_out(
            person_id, lambda conn: people.update(conn, actor, person_id, {"disabled": disabled})
        )

    def assign_account(
        self, actor: Actor, person_id: int, appid: str | None, kf_account: str | None
    ) -> Person:
        """Give a person a kf_account, or take it away (both None)."""
        changes = {"appid": appid, "kf_account": kf_account}
        return self._signing_out(
            person_id, lambda conn: people.update(conn, actor, person_id, changes)
        )

    def reset_password(self, actor: Actor, person_id: int, password: str = "") -> Registered:
        """Set a new password by an admin or a command, and sign out everywhere."""
        generated = None if password else generate()
        return Registered(self._set_password(actor, person_id, generated or password), generated)

    def change_own_password(
        self, sign_in: SignIn, actor: Actor, person_id: int, old: str, new: str
    ) -> Person:
        """Change the password by the person, who gives the present one. Signs out everywhere, here too.

        Raises ``BadCredentials``, ``Throttled``.
        """
        with reading(self._engine) as conn:
            person = people.get(conn, person_id)
        if not sign_in.password_fits(person, old, actor.ip):
            raise BadCredentials
        return self._set_password(actor, person_id, new)

    def ensure_first_admin(self, now_ms: int, given: str | None) -> Registered | None:
        """Create the person ``admin`` if there are no people, else return None.

        It may run concurrently: one node creates the person and gets the password to print.
        """
        if self.everyone():
            return None
        wish = Registration(FIRST_ADMIN, ADMIN, given or "", "管理员")
        new, generated = self.prepare(wish)
        try:
            with acting(self._engine) as conn:
                if people.everyone(conn):
                    return None
                person = people.create(conn, Actor("system", "system", now_ms), new)
        except (Taken, StorageConflict):
            return None
        return Registered(person, generated)

    def _set_password(self, actor: Actor, person_id: int, password: str) -> Person:
        with reading(self._engine) as conn:
            person = people.get(conn, person_id)
        names = (person.username, person.display_name, _prefix(person.kf_account))
        hashed = self._passwords.hash_new(password, *names)

        def change(conn: Transaction) -> Person:
            people.set_password(conn, actor, person_id, hashed)
            return people.get(conn, person_id)

        return self._signing_out(person_id, change)

    def _signing_out(self, person_id: int, change: Callable[[Transaction], Person]) -> Person:
        with acting(self._engine) as conn:
            admins = people.count_admins(conn)
            changed = change(conn)
            if admins and people.count_admins(conn) == 0:
                raise LastAdmin
            self._logins.revoke_all(person_id)
        self._logins.revoke_all(person_id)
        return changed


def leads_of(role: str, leads: Sequence[str]) -> list[str]:
    """Return the appids in order, each once. Raises Invalid for a role other than supervisor."""
    if leads and role != SUPERVISOR:
        raise Invalid("leads", "are for supervisors; admins reach every official account")
    return sorted(set(leads))


def _prefix(kf_account: str | None) -> str:
    return (kf_account or "").partition("@")[0]
