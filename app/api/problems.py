"""Refusals as RFC 9457 ``application/problem+json``. A stack trace never leaves the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from flask import Response, g
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from app.auth.errors import BadCredentials, Busy, Forbidden, Throttled
from app.auth.password_rules import GuessedPassword, WeakPassword
from app.conversations.replies import refusal_of
from app.directory.people import LastAdmin
from app.refusals import HTTP_CODES, INTERNAL, PROBLEM, STATUS, Refusal, problem_text
from app.storage.errors import Invalid, Missing, Taken
from app.storage.sql import BadCursor, StorageConflict, StorageError, StorageUnfit
from app.wechat.api import NotConnected, OutcomeUnknown, PlatformRefused
from app.wechat.errors import reason
from sessions.machine import EventRefused
from sessions.model import Conflict, NotFound, StoreDown, StoreRefused
from sessions.store.conversations import NoRoom, ReplyRefused

RETRY_AFTER_S: Final = 1

log = structlog.get_logger()


def problem(
    status: int,
    code: str,
    detail: str,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem response, the only form of an error in the API."""
    text = problem_text(status, code, detail, g.get("request_id", ""), extra)
    return Response(text, status, headers, mimetype=PROBLEM)


def from_refusal(refusal: Refusal) -> Response:
    after = {"Retry-After": str(RETRY_AFTER_S)} if refusal.status == 503 else {}
    if refusal.code == "streams_full":  # an idle connection would use the slot of a push
        after["Connection"] = "close"
    return problem(refusal.status, refusal.code, refusal.detail, refusal.extra, after)


def answer_to(error: Exception) -> Response:
    """Return the response to an exception of a request; log one that nobody foresaw."""
    if isinstance(error, HTTPException):
        return _from_http(error)
    for kind, make in _TABLE:
        if isinstance(error, kind):
            return make(error)
    log.exception("request_failed", error_type=type(error).__name__)
    return problem(
        500, INTERNAL, "An internal error occurred; find it in the log by the request id."
    )


def field_errors(error: ValidationError) -> list[dict[str, str]]:
    """Return field and message of each error, without the value, which may be a secret."""
    return [
        {
            "field": ".".join(str(part) for part in item["loc"]),
            "message": item["msg"].removeprefix("Value error, "),
        }
        for item in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def _from_http(error: HTTPException) -> Response:
    status = error.code or 500
    if error.response is not None or status < 400:
        plain = error.get_response()
        return Response(plain.get_data(), plain.status_code, plain.headers)
    code = HTTP_CODES.get(status, INTERNAL if status >= 500 else "bad_request")
    headers = {
        name: value
        for name, value in error.get_headers()
        if name.lower() in ("allow", "retry-after", "content-range")
    }
    return problem(status, code, error.description or HTTPStatus(status).phrase, None, headers)


def _refused(error: Refusal) -> Response:
    return from_refusal(error)


def _invalid_fields(error: ValidationError) -> Response:
    if any(item["type"] == "json_invalid" for item in error.errors(include_input=False)):
        return _simple("bad_request", "The body is not valid JSON.")
    return problem(422, "invalid", "Some fields are not valid.", {"errors": field_errors(error)})


def _invalid_field(error: Invalid) -> Response:
    errors = [{"field": error.field, "message": error.reason}]
    return problem(422, "invalid", str(error), {"errors": errors})


def _bad_cursor(error: BadCursor) -> Response:
    errors = [{"field": "cursor", "message": "was not issued here"}]
    return problem(422, "invalid", "The cursor is not valid.", {"errors": errors})


def _weak_password(error: WeakPassword) -> Response:
    errors = [{"field": "password", "message": str(error)}]
    code = "weak_password" if isinstance(error, GuessedPassword) else "invalid"
    return problem(STATUS[code], code, str(error), {"errors": errors})


def _throttled(error: Throttled) -> Response:
    after = {"Retry-After": str(error.retry_after_s)}
    return problem(429, "throttled", str(error), {"retry_after_s": error.retry_after_s}, after)


def _try_again(error: Exception) -> Response:
    log.warning("request_unavailable", error_type=type(error).__name__, error=str(error))
    after = {"Retry-After": str(RETRY_AFTER_S)}
    return problem(503, "unavailable", "A store is not available; try again.", None, after)


def _busy(error: Busy) -> Response:
    after = {"Retry-After": str(RETRY_AFTER_S)}
    return problem(503, "unavailable", str(error), None, after)


def _platform_refused(error: PlatformRefused) -> Response:
    code = error.errcode
    extra = {"errcode": code, "reason": reason(code, "zh"), "reason_en": reason(code, "en")}
    detail = f"WeChat refused: {reason(error.errcode, 'en')} ({error.errcode})."
    return problem(STATUS["platform_refused"], "platform_refused", detail, extra)


def _simple(code: str, detail: str) -> Response:
    return problem(STATUS[code], code, detail)


# The first kind that matches answers, so a kind comes before its base.
_TABLE: Final[
    tuple[tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Any], Response]], ...]
] = (
    (Refusal, _refused),
    (ValidationError, _invalid_fields),
    (Invalid, _invalid_field),
    (BadCursor, _bad_cursor),
    (WeakPassword, _weak_password),
    (Missing, lambda e: _simple("not_found", str(e))),
    (Taken, lambda e: _simple("already_exists", str(e))),
    (LastAdmin, lambda e: _simple("conflict", str(e))),
    (BadCredentials, lambda e: _simple("unauthorized", str(e))),
    (Forbidden, lambda e: _simple("forbidden", str(e))),
    (Throttled, _throttled),
    (Busy, _busy),
    (ReplyRefused, lambda e: from_refusal(refusal_of(e))),
    (EventRefused, lambda e: _simple("conflict", f"Not possible now: {e}.")),
    (NotFound, lambda e: _simple("not_found", "There is no such conversation.")),
    (NoRoom, lambda e: _simple("agent_full", "All seats of this agent are taken.")),
    (Conflict, lambda e: _simple("conflict", "Another request changed it first; load it again.")),
    (
        StorageConflict,
        lambda e: _simple("conflict", "It exists already, or what it names does not."),
    ),
    (StorageUnfit, lambda e: _simple("invalid", "A value cannot be stored.")),
    ((StoreDown, StoreRefused, StorageError), _try_again),
    (PlatformRefused, _platform_refused),
    (
        (NotConnected, OutcomeUnknown),
        lambda e: _simple("platform_unreachable", "WeChat gave no clear answer; try again."),
    ),
)
