"""The checks around every view: caller, permission, official account, length and content of the body.

A request to an endpoint that declares no permission is refused (``app/edge/server.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from flask import Flask, Response, request
from pydantic import BaseModel
from werkzeug.exceptions import LengthRequired

from app.api.callers import SAFE_METHODS, Caller, caller_of, check_origin
from app.api.core import IDENT_MAX, PUBLIC, Body, Call, Route, Routes, View, data_response
from app.refusals import Refusal
from app.services import Services

BODY_MAX_BYTES: Final = 64 * 1024
DISCARD_MAX_BYTES: Final = 32 * 1024 * 1024
DISCARD_CHUNK_BYTES: Final = 64 * 1024
PATH_VALUE: Final = re.compile(r"[A-Za-z0-9_.@:-]{1,128}")

NUL: Final = rb"\u0000"
"""The only way in which JSON writes a NUL."""


def register(app: Flask, services: Services, modules: Mapping[str, Routes]) -> None:
    """Add the routes of all modules. ``app.extensions["kfring"]`` holds them by endpoint."""
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


def _around(services: Services, route: Route) -> View:
    def handle(**path: Any) -> Response:
        return _handle(services, route, path)

    return handle


def _handle(services: Services, route: Route, path: Mapping[str, Any]) -> Response:
    for value in path.values():
        if not _names_something(value):
            raise Refusal("not_found", "There is nothing with this name.")
    found = _authorised(services, route)
    arguments = {name: value for name, value in request.args.items() if value}
    appid = arguments.pop("appid", None)
    call = Call(services, route, request, found, appid)
    _check_account(call)
    if route.method not in SAFE_METHODS:
        _check_length(route)
    call.query = route.query.model_validate(arguments)
    if route.body is not None:
        call.body = _body(route)
    return _response(route, route.view(call, **path))


def _names_something(value: str | int) -> bool:
    return value <= IDENT_MAX if isinstance(value, int) else bool(PATH_VALUE.fullmatch(value))


def _authorised(services: Services, route: Route) -> Caller | None:
    if route.action == PUBLIC:
        if route.method not in SAFE_METHODS:
            check_origin(services, request)
        return None
    caller = caller_of(services, request)
    if not caller.may(route.action):
        raise Refusal("forbidden", "Your role does not allow this.")
    return caller


def _check_account(call: Call) -> None:
    """Refuse an official account that is not the caller's, even if the view never uses the account.

    Where the request names none, ``Call.served`` checks the account that a view uses.
    """
    if call.found is not None and call.appid is not None:
        _ = call.served


def _check_length(route: Route) -> None:
    """Refuse a body without a length, or one that is longer than the route allows. Raises Refusal."""
    limit = route.files_max_bytes or BODY_MAX_BYTES
    length = request.content_length
    if length is None and "Transfer-Encoding" in request.headers:
        raise LengthRequired("Send a Content-Length.")
    if length is not None and length > limit:
        _discard(length)
        raise Refusal("too_large", f"The body may have {limit} bytes.")
    request.max_content_length = limit


def _discard(length: int) -> None:
    """Read a body of bounded length, so that the client reads the refusal instead of a reset."""
    if length <= DISCARD_MAX_BYTES:
        while request.stream.read(DISCARD_CHUNK_BYTES):
            pass


def _body(route: Route) -> BaseModel:
    model = route.body or Body
    raw = request.get_data(cache=False)
    if not raw:
        return model.model_validate({})
    if not request.is_json:
        raise Refusal("unsupported_media", "The body must be application/json.")
    found = model.model_validate_json(raw)
    # A sign-in only compares, and an unknown name is 401. Any other text may be stored.
    if route.action != PUBLIC and NUL in raw and _holds_nul(found.model_dump()):
        raise Refusal("invalid", "A text must not contain NUL: no database stores it.")
    return found


def _holds_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_nul(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return any(map(_holds_nul, value))
    return isinstance(value, str) and "\0" in value


def _response(route: Route, answer: Any) -> Response:
    if isinstance(answer, Response):
        return answer
    data, meta = answer if isinstance(answer, tuple) else (answer, None)
    if route.status == 204:
        return Response(status=204)
    return data_response(data, meta, route.status)
