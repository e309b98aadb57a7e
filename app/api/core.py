"""What all routes share. A route is a declaration and a thin view.

A module writes ``routes = Routes()`` and decorates its views with ``@routes.add(...)``. The checks around
each view are in ``app/api/handling.py``. A view returns data, (data, meta), or a whole Response.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flask import Request, Response, g
from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.account import Account
from app.api.callers import SAFE_METHODS, Caller, client_address
from app.auth.roles import ACTIONS, UNBOUND, reach
from app.refusals import Refusal
from app.services import Served, Services
from app.storage.audit import Actor
from app.storage.sql import decode_cursor, encode_cursor

PREFIX: Final = "/api/v1"
PUBLIC: Final = "public"
"""The action of a route that needs no login."""

NOT_YOURS: Final = (
    "This official account is not one of yours. An admin names the accounts that a supervisor leads, "
    "in the console under People."
)

LIMIT_MAX: Final = 200
NUMBER_MAX: Final = 2**53
"""The largest integer that JSON numbers hold exactly."""

IDENT_MAX: Final = 2**31 - 1
"""The largest number of a row: PostgreSQL's columns for them have 32 bits."""

View = Callable[..., Any]


class Body(BaseModel):
    """Base of request bodies. It refuses unknown fields, and a string in place of a number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Query(BaseModel):
    """Base of query strings. It refuses unknown parameters, and texts that no database can compare."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _without_nul(cls, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:
            raise ValueError("must hold no NUL")
        return value


class PageQuery(Query):
    """The parameters of every list."""

    cursor: str | None = Field(None, max_length=400)
    limit: int = Field(50, ge=1, le=LIMIT_MAX)


class WholeQuery(Query):
    """The parameters of a short list: the whole list unless ``limit`` asks for a page."""

    cursor: str | None = Field(None, max_length=400)
    limit: int | None = Field(None, ge=1, le=LIMIT_MAX)


class Shape(BaseModel):
    """Base of answers; only the OpenAPI document and the tests against it use it."""

    model_config = ConfigDict(extra="forbid")


class NoMeta(Shape):
    """No meta data."""


class PageMeta(Shape):
    """``next_cursor`` is null on the last page."""

    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Route:
    """One declared route; ``answer`` and ``meta`` are types that pydantic can describe.

    ``also_status`` has the same answer as ``status``. A ``raw`` route answers a body of ``content_types``
    instead of ``{data, meta}``. ``refuses`` are the statuses of its refusals beyond those that follow from
    the declaration (``refusals``).
    """

    method: str
    path: str
    action: str
    view: View
    summary: str
    answer: Any = None
    meta: Any = NoMeta
    body: type[BaseModel] | None = None
    query: type[Query] = Query
    status: int = 200
    also_status: int = 0
    files_max_bytes: int = 0
    raw: bool = False
    content_types: tuple[str, ...] = ("application/json",)
    refuses: tuple[int, ...] = ()

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def refusals(self) -> list[int]:
        """Return every status of a refusal. Any route answers 503 while a store is unavailable."""
        found = {422, 503, *self.refuses}
        if self.action != PUBLIC:
            found |= {401, 403, 404}
        if self.method not in SAFE_METHODS:
            found |= {400, 403, 411, 413}
        if self.body is not None:
            found.add(415)
        return sorted(found - {self.status, self.also_status})


@dataclass(slots=True)
class Routes:
    """The routes of one module. ``prefix`` "" is for those outside ``/api/v1``."""

    prefix: str = PREFIX
    declared: list[Route] = field(default_factory=list)

    def add(
        self, method: str, path: str, action: str, *, summary: str, **more: Any
    ) -> Callable[[View], View]:
        """Declare a route; ``more`` are fields of Route. Raises ValueError for an unknown action."""
        if action != PUBLIC and action not in ACTIONS:
            raise ValueError(f"{method} {path}: there is no action {action}")

        def declare(view: View) -> View:
            self.declared.append(Route(method, self.prefix + path, action, view, summary, **more))
            return view

        return declare


@dataclass(slots=True)
class Call:
    """One request, as views use it."""

    services: Services
    route: Route
    request: Request
    found: Caller | None
    appid: str | None
    body: Any = None
    query: Any = None

    @property
    def caller(self) -> Caller:
        """Return the caller. Raises Refusal unauthorized on a public route without a login."""
        if self.found is None:
            raise Refusal("unauthorized", "Sign in first.")
        return self.found

    @property
    def reach(self) -> frozenset[str]:
        """Return the appids of the official accounts that the caller may ask about."""
        if self.found is None:
            return frozenset()
        caller, served = self.found, self.services.served
        return reach(caller.role, caller.appid, caller.leads, served.keys())

    @property
    def served(self) -> Served:
        """Return the official account: ``?appid=``, else the caller's own, else the only one they reach.

        Views get an account only through it. Raises Refusal: forbidden, not_found, invalid.
        """
        caller, within = self.caller, self.reach
        only = next(iter(within)) if len(within) == 1 else None
        wanted = self.appid or (caller.appid if caller.appid in within else only)
        foreign = wanted is not None and wanted not in within
        if not within or (foreign and caller.role not in UNBOUND):
            raise Refusal("forbidden", NOT_YOURS)
        return self.services.account_of(wanted)

    @property
    def account(self) -> Account:
        return self.served.account

    @property
    def kf_account(self) -> str:
        """Return the caller's kf_account in this official account. Raises Refusal forbidden without one."""
        name = self.kf_account_or_none
        if not name:
            raise Refusal("forbidden", "You have no kf account to serve customers with.")
        return name

    @property
    def kf_account_or_none(self) -> str:
        """Return the same, or "" for a caller who does not serve here."""
        ours = self.caller.appid == self.account.appid
        return self.caller.kf_account if ours else ""

    @property
    def now_ms(self) -> int:
        return int(time.time() * 1000)

    @property
    def ip(self) -> str:
        return client_address(self.services, self.request)

    @property
    def actor(self) -> Actor:
        """Return the caller as the audit log records them."""
        caller = self.caller
        return Actor(caller.who, caller.role, self.now_ms, self.ip, self.request_id)

    @property
    def request_id(self) -> str:
        """Return the id that every log line of this request carries."""
        return str(g.get("request_id", ""))

    def may(self, action: str) -> bool:
        return self.caller.may(action)

    def require(self, action: str) -> None:
        """Refuse a caller who may not do the action. Raises Refusal forbidden."""
        if not self.may(action):
            raise Refusal("forbidden", "Your role does not allow this.")


def page_of(rows: Sequence[Any], query: WholeQuery) -> tuple[list[Any], dict[str, str | None]]:
    """Return (rows, meta) of the page that the query asks for. Raises BadCursor."""
    start = max(0, decode_cursor(query.cursor, int)[0]) if query.cursor else 0
    end = start + (query.limit or len(rows))
    more = encode_cursor(end) if end < len(rows) else None
    return list(rows[start:end]), {"next_cursor": more}


def data_response(data: Any, meta: Any = None, status: int = 200) -> Response:
    """Return ``{"data": …, "meta": …}`` as a response."""
    text = json.dumps({"data": data, "meta": meta or {}}, ensure_ascii=False)
    return Response(text, status, mimetype="application/json")
