"""What an admin changes on the person behind a kf_account: password and role, or makes one."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.directory import kf_people as kf_holders
from app.directory.kf_people import Wish
from app.directory.people import PeopleDirectory
from app.services import Services
from app.storage import people
from app.storage.audit import Actor, acting
from app.storage.kf_accounts import KfAccount, NewKfAccount
from app.storage.people import Person
from app.storage.sql import reading


@dataclass(frozen=True, slots=True)
class PersonChange:
    """None = as it is. A kf_account without a person gets one."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    role: str | None = None

    @property
    def empty(self) -> bool:
        return self.username is None and self.password is None and self.role is None


def change(services: Services, actor: Actor, row: KfAccount, wanted: PersonChange) -> str | None:
    """Signs the person out everywhere; a password that was made here is returned, this once."""
    with reading(services.engine) as conn:
        holder = people.holder(conn, row.appid, row.kf_account)
    if holder is None:
        return _make(services, actor, row, wanted)
    directory = PeopleDirectory(services.engine, services.passwords, services.logins)
    if wanted.role is not None and wanted.role != holder.role:
        directory.set_role(actor, holder.id, wanted.role)
    if wanted.password is not None:
        directory.reset_password(actor, holder.id, wanted.password)
    return None


def _make(services: Services, actor: Actor, row: KfAccount, wanted: PersonChange) -> str | None:
    new = NewKfAccount(row.appid, row.kf_account, row.nickname, row.max_sessions)
    wish = Wish(wanted.username or "", wanted.password or "", wanted.role or "agent")
    with reading(services.engine) as conn:
        kf_holders.check(conn, new, wish)
    person = kf_holders.prepared(services.passwords, new, wish)
    if person is None:
        return None
    with acting(services.engine) as conn:
        held: Person = kf_holders.give(conn, actor, row, person)
    services.logins.revoke_all(held.id)
    return person.generated
