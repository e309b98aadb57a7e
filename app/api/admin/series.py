"""Supervisors: numbers by minute for the charts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from pydantic import Field

from app.account import Account
from app.api.core import Call, Query, Routes, Shape
from app.metrics.series import KEPT_MINUTES, MINUTE_MS, Series
from app.metrics.tally import ERROR, WAITED_MS
from app.wechat.errors import reason

OPEN_READ: Final = 1_000
"""Open conversations that are read for their first replies; closed ones are counted already."""

routes = Routes()


class SeriesQuery(Query):
    """The number of minutes, counted back from now."""

    minutes: int = Field(60, ge=1, le=KEPT_MINUTES)


class ErrorCount(Shape):
    """An errcode of the platform with its meaning and its count."""

    errcode: int
    count: int
    reason_zh: str
    reason_en: str


class SeriesShape(Shape):
    """One number for each minute from ``start_ms`` on; the current minute is the last.

    ``waiting`` and ``serving`` are null where nothing was measured. ``first_reply_ms`` (the mean) is null
    where no customer was answered.
    """

    start_ms: int
    step_ms: int
    callbacks: list[int]
    opened: list[int]
    sent: list[int]
    failed: list[int]
    waiting: list[int | None]
    serving: list[int | None]
    answered: list[int]
    first_reply_ms: list[int | None]
    errors: list[ErrorCount]


@routes.add(
    "GET",
    "/admin/series",
    "admin.overview",
    summary="Return one number for each of the last minutes",
    query=SeriesQuery,
    answer=SeriesShape,
)
def read_series(call: Call) -> dict[str, Any]:
    account, count = call.account, call.query.minutes
    now_ms = account.store.now_ms()
    first = now_ms // MINUTE_MS - count + 1
    minutes = Series(call.services.redis, account.appid).read(first, count)
    answered, waited = _answers(account, first, minutes)
    return {
        "start_ms": first * MINUTE_MS,
        "step_ms": MINUTE_MS,
        **{name: _numbers(minutes, name) for name in ("callbacks", "opened", "sent")},
        "failed": [m.get("failed", 0) + m.get("unknown", 0) for m in minutes],
        **{name: [m.get(name) for m in minutes] for name in ("waiting", "serving")},
        "answered": answered,
        "first_reply_ms": [w // n if n else None for w, n in zip(waited, answered, strict=True)],
        "errors": _errors(minutes),
    }


def _numbers(minutes: Sequence[dict[str, int]], name: str) -> list[int]:
    return [minute.get(name, 0) for minute in minutes]


def _answers(
    account: Account, first: int, minutes: Sequence[dict[str, int]]
) -> tuple[list[int], list[int]]:
    """Return, by minute, how many customers were answered and the sum of their waits in milliseconds."""
    answered, waited = _numbers(minutes, "answered"), _numbers(minutes, WAITED_MS)
    for session in account.queries.sessions(account.queries.live(0, OPEN_READ)):
        at = session.first_reply_ms // MINUTE_MS - first
        if session.first_reply_ms and 0 <= at < len(minutes):
            answered[at] += 1
            waited[at] += max(0, session.first_reply_ms - session.created_ms)
    return answered, waited


def _errors(minutes: Sequence[dict[str, int]]) -> list[dict[str, Any]]:
    found: Counter[int] = Counter()
    for minute in minutes:
        for name, number in minute.items():
            if name.startswith(ERROR):
                found[int(name.removeprefix(ERROR))] += number
    return [
        {
            "errcode": code,
            "count": number,
            "reason_zh": reason(code, "zh"),
            "reason_en": reason(code, "en"),
        }
        for code, number in found.most_common()
    ]
