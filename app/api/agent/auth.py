"""Signing in and out: a cookie for browsers, a bearer token for programs."""

from __future__ import annotations

from typing import Annotated, Any, Self

from flask import Response
from pydantic import Field, model_validator

from app.api.callers import cookie_name
from app.api.core import PUBLIC, Body, Call, Routes, Shape, data_response
from app.auth.logins import COOKIE_ABSOLUTE_MS, TOKEN_EXPIRES_S, Login
from app.directory.people import PeopleDirectory
from app.services import Services
from app.storage import people
from app.storage.sql import reading

routes = Routes()

Name = Annotated[str, Field(min_length=1, max_length=128)]
Password = Annotated[str, Field(min_length=1, max_length=1024, repr=False)]


class Credentials(Body):
    """A name and a password. ``kf_account``, in full or its bare prefix, may replace ``username``."""

    username: Name | None = None
    kf_account: Name | None = None
    password: Password

    @model_validator(mode="after")
    def _one_name(self) -> Self:
        if (self.username is None) == (self.kf_account is None):
            raise ValueError("give username or kf_account")
        return self

    @property
    def name(self) -> str:
        return self.username or self.kf_account or ""


class PasswordChange(Body):
    """The present password and the new one."""

    old_password: Password
    new_password: Password


class PersonShape(Shape):
    """A person who signs in."""

    id: int
    username: str
    display_name: str
    role: str


class SignedIn(Shape):
    """The person who signed in. Unsafe requests with the cookie send ``csrf_token`` in ``X-CSRF-Token``."""

    person: PersonShape
    appid: str | None
    kf_account: str | None
    csrf_token: str
    ends_ms: int


class TokenShape(Shape):
    """A token for the header ``Authorization: Bearer``. ``expires_in`` is in seconds."""

    access_token: str
    token_type: str
    expires_in: int


@routes.add(
    "POST",
    "/login",
    PUBLIC,
    summary="Sign a browser in",
    body=Credentials,
    answer=SignedIn,
    refuses=(401, 429),
)
def login(call: Call) -> Response:
    opened = call.services.sign_in.cookie(call.body.name, call.body.password, call.ip)
    response = data_response(_signed_in(call, opened.login))
    _set_cookie(call, response, opened.secret, COOKIE_ABSOLUTE_MS // 1000)
    return response


@routes.add("POST", "/logout", "me.logout", summary="End this login", status=204)
def logout(call: Call) -> Response:
    if call.caller.login is not None:
        call.services.logins.revoke(call.caller.login)
    response = Response(status=204)
    if call.caller.kind == "cookie":
        _set_cookie(call, response, "", 0)
    return response


@routes.add(
    "PUT",
    "/me/password",
    "me.password",
    summary="Change your own password and sign out everywhere",
    body=PasswordChange,
    status=204,
    refuses=(429,),
)
def change_password(call: Call) -> None:
    services = call.services
    directory = PeopleDirectory(services.engine, services.passwords, services.logins)
    old, new = call.body.old_password, call.body.new_password
    directory.change_own_password(services.sign_in, call.actor, call.caller.person_id, old, new)


@routes.add(
    "POST",
    "/tokens",
    PUBLIC,
    summary="Issue a token to a program",
    body=Credentials,
    answer=TokenShape,
    refuses=(401, 429),
)
def issue_token(call: Call) -> dict[str, Any]:
    opened = call.services.sign_in.token(call.body.name, call.body.password, call.ip)
    return {
        "access_token": opened.secret,
        "token_type": "Bearer",
        "expires_in": TOKEN_EXPIRES_S,
    }


def person_view(services: Services, person_id: int) -> dict[str, Any]:
    """Return a person as the API shows them. Raises Missing."""
    with reading(services.engine) as conn:
        person = people.get(conn, person_id)
    return {name: getattr(person, name) for name in PersonShape.model_fields}


def _signed_in(call: Call, login: Login) -> dict[str, Any]:
    return {
        "person": person_view(call.services, login.person_id),
        "appid": login.appid or None,
        "kf_account": login.kf_account or None,
        "csrf_token": call.services.logins.csrf(login),
        "ends_ms": login.ends_ms,
    }


def _set_cookie(call: Call, response: Response, secret: str, max_age_s: int) -> None:
    response.set_cookie(
        cookie_name(call.request),
        secret,
        max_age=max_age_s,
        path=call.request.script_root or "/",
        secure=call.request.is_secure,
        httponly=True,
        samesite="Strict",
    )
