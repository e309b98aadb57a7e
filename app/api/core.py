"""What all routes have in common; a route itself is a declaration and a thin view.

A module writes ``routes = Routes()`` and decorates its views with ``@routes.add(...)``. Around each
view stand, in this order: who calls, may he, is the body bounded and valid, which official account.
A view answers data, (data, meta), or a whole Response. A request whose endpoint declares no
permission is refused.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from flask import Flask, Request, Response, g, request
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.exceptions import LengthRequired

from app.account import Account
from app.api.callers import SAFE_METHODS, Caller, caller_of, check_origin, client_address
from app.auth.roles import ACTIONS
from app.refusals import Refusal
from app.services import Served, Services
from app.storage.audit import Actor
from sessions.sql import decode_cursor, encode_cursor

PREFIX: Final = "/api/v1"
PUBLIC: Final = "public"
"""The action of a route that needs no login."""

BODY_MAX_BYTES: Final = 64 * 1024
DISCARD_MAX_BYTES: Final = 32 * 1024 * 1024
DISCARD_CHUNK_BYTES: Final = 64 * 1024
PATH_VALUE: Final = re.compile(r"[A-Za-z0-9_.@:-]{1,128}")
LIMIT_MAX: Final = 200
NUMBER_MAX: Final = 2**53
"""Above it JSON numbers are not exact, and soon after it no database has room."""


B = TypeVar("B", bound=BaseModel)
View = Callable[..., Any]


class Body(BaseModel):
    """Base of request bodies: unknown fields are refused, a number is not a string."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Query(BaseModel):
    """Base of query strings: unknown parameters are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(Query):
    """The parameters of every list."""

    cursor: str | None = Field(None, max_length=400)
    limit: int = Field(50, ge=1, le=LIMIT_MAX)


class WholeQuery(Query):
    """Those of a short list: all of it unless ``limit`` asks for a page."""

    cursor: str | None = Field(None, max_length=400)
    limit: int | None = Field(None, ge=1, le=LIMIT_MAX)


class Shape(BaseModel):
    """Base of what is answered; only for the OpenAPI document and the tests against it."""

    model_config = ConfigDict(extra="forbid")


class NoMeta(Shape):
    """Nothing beside the data."""


class PageMeta(Shape):
    """``next_cursor`` is null on the last page."""

    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Route:
    """One declared route; ``answer`` and ``meta`` are types that pydantic can describe.

    ``also_status`` carries the same answer as ``status``. ``raw``: it answers no
    ``{data, meta}`` but a body of ``content_types``. ``refuses``: statuses of its refusals beyond
    those that follow from the declaration itself (``refusals``).
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
        """Every status of a refusal; a store that is away is 503 everywhere."""
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
        """Declares a route; ``more`` are fields of Route. Raises ValueError for an unknown action."""
        if action != PUBLIC and action not in ACTIONS:
            raise ValueError(f"{method} {path}: there is no action {action}")

        def declare(view: View) -> View:
            self.declared.append(Route(method, self.prefix + path, action, view, summary, **more))
            return view

        return declare


@dataclass(slots=True)
class Call:
    """One request as a view sees it."""

    services: Services
    route: Route
    request: Request
    found: Caller | None
    appid: str | None
    body: Any = None
    query: Any = None

    @property
    def caller(self) -> Caller:
        """Raises Refusal unauthorized on a public route without a login."""
        if self.found is None:
            raise Refusal("unauthorized", "Sign in first.")
        return self.found

    @property
    def served(self) -> Served:
        """The official account: ``?appid=``, else the caller's own, else the only one."""
        own = self.found.appid if self.found else ""
        wanted = self.appid or own or None
        if self.found and self.found.role == "agent" and own and wanted != own:
            raise Refusal("forbidden", "This is not your official account.")
        return self.services.account_of(wanted)

    @property
    def account(self) -> Account:
        return self.served.account

    @property
    def kf_account(self) -> str:
        """The caller's kf_account in this official account. Raises Refusal forbidden without one."""
        name = self.kf_account_or_none
        if not name:
            raise Refusal("forbidden", "You have no kf account to serve customers with.")
        return name

    @property
    def kf_account_or_none(self) -> str:
        """The same, or "" for one who does not serve here."""
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
        """For the audit log."""
        caller = self.caller
        return Actor(caller.who, caller.role, self.now_ms, self.ip, self.request_id)

    @property
    def request_id(self) -> str:
        """To follow what this request led to through the logs."""
        return str(g.get("request_id", ""))

    def may(self, action: str) -> bool:
        return self.caller.may(action)

    def require(self, action: str) -> None:
        """Raises Refusal forbidden."""
        if not self.may(action):
            raise Refusal("forbidden", "Your role does not allow this.")


def register(app: Flask, services: Services, modules: Mapping[str, Routes]) -> None:
    """Adds the routes of all modules; ``app.extensions["kfring"]`` has them by endpoint."""
    known: dict[str, Route] = app.extensions.setdefault("kfring", {})
    for routes in modules.values():
        for route in routes.declared:
            known[route.endpoint] = route
            app.add_url_rule(
                route.path,
                endpoint=route.endpoint,
                view_func=_around(services, route),
                methods=[route.method],
                provide_automatic_options=False,
            )


def page_of(rows: Sequence[Any], query: WholeQuery) -> tuple[list[Any], dict[str, str | None]]:
    """(rows, meta) of the page that is asked for. Raises BadCursor."""
    start = max(0, decode_cursor(query.cursor, int)[0]) if query.cursor else 0
    end = start + (query.limit or len(rows))
    more = encode_cursor(end) if end < len(rows) else None
    return list(rows[start:end]), {"next_cursor": more}


def data_response(data: Any, meta: Any = None, status: int = 200) -> Response:
    """``{"data": …, "meta": …}``."""
    text = json.dumps({"data": data, "meta": meta or {}}, ensure_ascii=False)
    return Response(text, status, mimetype="application/json")


def _around(services: Services, route: Route) -> View:
    def handle(**path: Any) -> Response:
        return _handle(services, route, path)

    return handle


def _handle(services: Services, route: Route, path: Mapping[str, Any]) -> Response:
    for value in path.values():
        if not _names_something(value):
            raise Refusal("not_found", "There is nothing of this name.")
    found = _authorised(services, route)
    arguments = {name: value for name, value in request.args.items() if value}
    appid = arguments.pop("appid", None)
    call = Call(services, route, request, found, appid)
    if route.method not in SAFE_METHODS:
        _check_length(route)
    call.query = route.query.model_validate(arguments)
    if route.body is not None:
        call.body = _body(route.body)
    return _response(route, route.view(call, **path))


def _names_something(value: str | int) -> bool:
    return value <= NUMBER_MAX if isinstance(value, int) else bool(PATH_VALUE.fullmatch(value))


def _authorised(services: Services, route: Route) -> Caller | None:
    if route.action == PUBLIC:
        if route.method not in SAFE_METHODS:
            check_origin(services, request)
        return None
    caller = caller_of(services, request)
    if not caller.may(route.action):
        raise Refusal("forbidden", "Your role does not allow this.")
    return caller


def _check_length(route: Route) -> None:
    """A body is announced with its length and is not longer than the route takes."""
    limit = route.files_max_bytes or BODY_MAX_BYTES
    length = request.content_length
    if length is None and "Transfer-Encoding" in request.headers:
        raise LengthRequired("Send a Content-Length.")
    if length is not None and length > limit:
        _discard(length)
        raise Refusal("too_large", f"The body may have {limit} bytes.")
    request.max_content_length = limit


def _discard(length: int) -> None:
    """Reads what is not too long, so that the client gets to see why it is refused."""
    if length <= DISCARD_MAX_BYTES:
        while request.stream.read(DISCARD_CHUNK_BYTES):
            pass


def _body(model: type[B]) -> B:
    raw = request.get_data(cache=False)
    if not raw:
        return model.model_validate({})
    if not request.is_json:
        raise Refusal("unsupported_media", "The body must be application/json.")
    return model.model_validate_json(raw)


def _response(route: Route, answer: Any) -> Response:
    if isinstance(answer, Response):
        return answer
    data, meta = answer if isinstance(answer, tuple) else (answer, None)
    if route.status == 204:
        return Response(status=204)
    return data_response(data, meta, route.status)
