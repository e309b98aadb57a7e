"""Admin: persons who sign in. A change that takes a right away signs them out everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from app.api.core import Body, Call, PageMeta, Routes, Shape, WholeQuery, page_of
from app.directory.kf_names import completed
from app.directory.people import PeopleDirectory, Registration, leads_of
from app.storage import people
from app.storage.errors import Invalid
from app.storage.people import Person
from app.storage.sql import reading

PATH = "/admin/people"
ACTION = "admin.people"
LEADS_MAX = 100

RoleName = Literal["agent", "supervisor", "admin"]
Password = Annotated[str, Field(min_length=8, max_length=256)]
DisplayName = Annotated[str, Field(min_length=1, max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=64)]

Leads = Annotated[list[Name], Field(max_length=LEADS_MAX)]

routes = Routes()


class PersonRow(Shape):
    """A person who signs in. ``kf_account`` is null for a person who does not serve.

    ``leads``: appids of the official accounts that an admin gave a supervisor by name. They also lead the
    account of their ``kf_account``.
    """

    id: int
    username: str
    display_name: str
    role: RoleName
    appid: str | None
    kf_account: str | None
    leads: list[str]
    disabled: bool
    created_ms: int
    password_changed_ms: int


class PersonMade(PersonRow):
    """A person. ``generated_password`` is shown only once, where none was given."""

    generated_password: str | None


class NewPersonBody(Body):
    """A new person, who serves with ``kf_account`` (full name or bare prefix)."""

    username: Name
    role: RoleName
    password: Password | None = Field(None, repr=False)
    display_name: DisplayName | None = None
    kf_account: Name | None = None
    leads: Leads = Field(default_factory=list)


class PersonChangeBody(Body):
    """A change of a person. Absent fields keep their values. ``kf_account`` "" takes the kf account away."""

    display_name: DisplayName | None = None
    role: RoleName | None = None
    disabled: bool | None = None
    kf_account: str | None = Field(None, max_length=64)
    leads: Leads | None = None


class PasswordBody(Body):
    """Either a ``password``, or ``generate`` true."""

    password: Password | None = Field(None, repr=False)
    generate: bool = False

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.password is None) != self.generate:
            raise ValueError("give password, or generate: true")
        return self


def directory(call: Call) -> PeopleDirectory:
    services = call.services
    return PeopleDirectory(services.engine, services.passwords, services.logins)


@routes.add(
    "GET",
    PATH,
    ACTION,
    summary="List the persons",
    query=WholeQuery,
    answer=list[PersonRow],
    meta=PageMeta,
)
def list_people(call: Call) -> tuple[Any, Any]:
    return page_of([_row(person) for person in directory(call).everyone()], call.query)


@routes.add(
    "POST",
    PATH,
    ACTION,
    summary="Add a person",
    body=NewPersonBody,
    answer=PersonMade,
    status=201,
    refuses=(409,),
)
def create_person(call: Call) -> dict[str, Any]:
    body = call.body
    appid, kf_account = _account(call, body.kf_account)
    _check_served(call, body.leads)
    wish = Registration(
        body.username,
        body.role,
        body.password or "",
        body.display_name or "",
        appid,
        kf_account,
        tuple(body.leads),
    )
    made = directory(call).register(call.actor, wish)
    return _row(made.person) | {"generated_password": made.generated_password}


@routes.add("GET", PATH + "/<int:person_id>", ACTION, summary="Return a person", answer=PersonRow)
def read_person(call: Call, person_id: int) -> dict[str, Any]:
    with reading(call.services.engine) as conn:
        return _row(people.get(conn, person_id))


@routes.add(
    "PATCH",
    PATH + "/<int:person_id>",
    ACTION,
    summary="Change a person; a new role, kf account or accounts to lead and disabling sign out everywhere",
    body=PersonChangeBody,
    answer=PersonRow,
    refuses=(409,),
)
def change_person(call: Call, person_id: int) -> dict[str, Any]:
    body, ours, actor = call.body, directory(call), call.actor
    with reading(call.services.engine) as conn:
        person = people.get(conn, person_id)
    _check_served(call, body.leads or [], person.leads)
    leads_of(body.role or person.role, body.leads or [])
    if body.display_name is not None:
        person = ours.rename(actor, person_id, body.display_name)
    if body.kf_account is not None:
        appid, kf_account = _account(call, body.kf_account)
        person = ours.assign_account(actor, person_id, appid, kf_account)
    if body.role is not None and body.role != person.role:
        person = ours.set_role(actor, person_id, body.role)
    if body.leads is not None and sorted(set(body.leads)) != person.leads:
        person = ours.name_accounts(actor, person_id, body.leads)
    if body.disabled is not None and body.disabled != person.disabled:
        person = ours.set_disabled(actor, person_id, body.disabled)
    return _row(person)


@routes.add(
    "PUT",
    PATH + "/<int:person_id>/password",
    ACTION,
    summary="Set a new password; signs out everywhere",
    body=PasswordBody,
    answer=PersonMade,
)
def reset_password(call: Call, person_id: int) -> dict[str, Any]:
    made = directory(call).reset_password(call.actor, person_id, call.body.password or "")
    return _row(made.person) | {"generated_password": made.generated_password}


def _check_served(call: Call, leads: Sequence[str], held: Sequence[str] = ()) -> None:
    """Refuse an official account that is neither served here nor ``held`` already. Raises Invalid."""
    unknown = set(leads) - set(held) - call.services.served.keys()
    if unknown:
        raise Invalid("leads", f"there is no official account {min(unknown)}")


def _account(call: Call, given: str | None) -> tuple[str | None, str | None]:
    if not given:
        return None, None
    return call.account.appid, completed(call.account.config, given)


def _row(person: Person) -> dict[str, Any]:
    return {name: getattr(person, name) for name in PersonRow.model_fields}
