"""The refusals of use cases, and the one error shape (RFC 9457) in which every HTTP answer shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

PROBLEM: Final = "application/problem+json"
INTERNAL: Final = "internal"
HTTP_CODES: Final = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    411: "length_required",
    413: "too_large",
    415: "unsupported_media",
    503: "unavailable",
}

STATUS: Final[dict[str, int]] = {
    # code: HTTP status
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "already_exists": 409,
    "not_owner": 409,
    "session_closed": 409,
    "not_waiting": 409,
    "not_transfering": 409,
    "not_resendable": 409,
    "newer_message": 409,
    "reply_budget_spent": 409,
    "reply_window_closed": 409,
    "agent_full": 409,
    "agent_offline": 409,
    "conversations_open": 409,
    "platform_refused": 409,
    "too_large": 413,
    "unsupported_media": 415,
    "invalid": 422,
    "weak_password": 422,
    "other_content": 422,
    "type_not_for_account": 422,
    "throttled": 429,
    "platform_unreachable": 502,
    "unavailable": 503,
    "streams_full": 503,
}


class Refusal(Exception):
    """``code`` for machines (a key of STATUS), ``detail`` for people, ``extra`` members of the answer."""

    def __init__(self, code: str, detail: str, **extra: Any) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.extra: Mapping[str, Any] = extra

    @property
    def status(self) -> int:
        return STATUS[self.code]


def problem_text(
    status: int, code: str, detail: str, request_id: str, extra: Mapping[str, Any] | None = None
) -> str:
    """Return the JSON of a problem document, also for answers that Flask does not make."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
        **(extra or {}),
    }
    return json.dumps(document, ensure_ascii=False)
