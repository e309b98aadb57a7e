"""When a group is open: weekly hours in a time zone, and single days that open or close against them. Pure.

A document looks like this (all of it in local time of ``timezone``):

    timezone = "Asia/Shanghai"
    [weekly]
    mon = ["09:00-12:00", "13:30-18:00"]      a day that is not named is closed
    fri = ["22:00-06:00"]                     may pass midnight: the night belongs to the day it begins
    [exceptions]
    "2026-10-01" = []                         closed, whatever the week says
    "2026-10-10" = ["09:00-18:00"]            a Saturday that is worked (调休)

Hours are what the clock on the wall shows: where it is put forward or back, they move with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MIN: Final = 24 * 60
SPANS_MAX: Final = 8
EXCEPTIONS_MAX: Final = 400
HORIZON_DAYS: Final = 100
"""How far ahead the next opening is looked for."""

SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
KEYS: Final = frozenset({"timezone", "weekly", "exceptions"})

Spans = tuple[tuple[int, int], ...]
"""(from, to) in minutes since local midnight; ``to`` is above 1440 where it passes midnight."""


@dataclass(frozen=True, slots=True)
class Hours:
    """``weekly`` has seven days from Monday; ``exceptions`` replace the week's hours of their day."""

    timezone: str
    weekly: tuple[Spans, ...]
    exceptions: Mapping[date, Spans] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opening:
    """``why``: always (no hours kept), weekly or exception. ``opens_ms`` None = open, or not soon."""

    open: bool
    why: str
    opens_ms: int | None = None

    def as_card(self) -> dict[str, Any]:
        return {"open": self.open, "why": self.why, "opens_ms": self.opens_ms}


def opening(hours: Hours | None, now_ms: int) -> Opening:
    """Whether a group with these hours is open, and else when it will be."""
    if hours is None:
        return Opening(True, "always")
    local = datetime.fromtimestamp(now_ms / 1000, ZoneInfo(hours.timezone))
    why = "exception" if local.date() in hours.exceptions else "weekly"
    if _is_open(hours, local):
        return Opening(True, why)
    return Opening(False, why, next_opening(hours, now_ms))


def is_open(hours: Hours | None, now_ms: int) -> bool:
    """The verdict alone; cheap."""
    return hours is None or _open_at(hours, now_ms, ZoneInfo(hours.timezone))


def next_opening(hours: Hours, now_ms: int) -> int | None:
    """The first moment from now on at which it is open, ms; None within HORIZON_DAYS."""
    zone = ZoneInfo(hours.timezone)
    local = datetime.fromtimestamp(now_ms / 1000, zone)
    if _is_open(hours, local):
        return now_ms
    for ahead in range(HORIZON_DAYS):
        day = local.date() + timedelta(days=ahead)
        moments = (_ms(moment) for moment in _boundaries(hours, day, zone))
        later = [ms for ms in moments if ms >= now_ms and _open_at(hours, ms, zone)]
        if later:
            return min(later)
    return None


def spoken(opens_ms: int | None, timezone: str) -> str:
    """A moment as customers read it, "10-08 09:00"; "" for none."""
    if opens_ms is None:
        return ""
    return datetime.fromtimestamp(opens_ms / 1000, ZoneInfo(timezone)).strftime("%m-%d %H:%M")


def hours_from(document: Mapping[str, Any], timezone: str) -> Hours:
    """The hours of a checked document; ``timezone`` where it names none."""
    weekly = document.get("weekly", {})
    return Hours(
        timezone=document.get("timezone", timezone),
        weekly=tuple(tuple(map(_span, weekly.get(day, []))) for day in DAYS),
        exceptions={
            date.fromisoformat(day): tuple(map(_span, spans))
            for day, spans in document.get("exceptions", {}).items()
        },
    )


def problems(document: Any) -> Iterator[str]:
    """Everything that is wrong with a document; nothing when it can be used."""
    if not isinstance(document, Mapping):
        yield "hours: must be a table"
        return
    for key in sorted(set(document) - KEYS):
        yield f"hours: unknown key {key}; known: {', '.join(sorted(KEYS))}"
    yield from _zone_problems(document.get("timezone", "UTC"))
    weekly, exceptions = document.get("weekly", {}), document.get("exceptions", {})
    if not isinstance(weekly, Mapping):
        yield "hours.weekly: must be a table of days"
    else:
        for day, spans in weekly.items():
            if day not in DAYS:
                yield f"hours.weekly: no day {str(day)[:20]}; days: {', '.join(DAYS)}"
            yield from _span_problems(f"hours.weekly.{day}", spans)
    if not isinstance(exceptions, Mapping) or len(exceptions) > EXCEPTIONS_MAX:
        yield f"hours.exceptions: must be a table of at most {EXCEPTIONS_MAX} dates"
        return
    for day, spans in exceptions.items():
        if not _is_date(day):
            yield f"hours.exceptions: {str(day)[:20]!r} is no date such as 2026-10-01"
        yield from _span_problems(f"hours.exceptions.{str(day)[:20]}", spans)


def _is_open(hours: Hours, local: datetime) -> bool:
    """By the clock on the wall; the night before may still go on."""
    minute = local.hour * 60 + local.minute
    today, before = local.date(), local.date() - timedelta(days=1)
    return any(start <= minute < end for start, end in _spans(hours, today)) or any(
        start <= minute + DAY_MIN < end for start, end in _spans(hours, before)
    )


def _open_at(hours: Hours, ms: int, zone: ZoneInfo) -> bool:
    return _is_open(hours, datetime.fromtimestamp(ms / 1000, zone))


def _spans(hours: Hours, day: date) -> Spans:
    return hours.exceptions.get(day, hours.weekly[day.weekday()])


def _boundaries(hours: Hours, day: date, zone: ZoneInfo) -> Iterator[datetime]:
    """Every moment of the day at which it can become open: starts, midnight, a changed clock."""
    for minute in {0, *(start for start, _ in _spans(hours, day))}:
        wall = datetime.combine(day, time(minute // 60, minute % 60))
        yield wall.replace(tzinfo=zone)
        yield wall.replace(tzinfo=zone, fold=1)
    begin = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    if begin.utcoffset() != end.utcoffset():
        yield _clock_change(begin.astimezone(UTC), end.astimezone(UTC), zone)


def _clock_change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The minute between two UTC moments at which the zone's offset becomes that of the later."""
    after = high.astimezone(zone).utcoffset()
    while high - low > timedelta(minutes=1):
        middle = low + timedelta(minutes=(high - low) // timedelta(minutes=1) // 2)
        if middle.astimezone(zone).utcoffset() == after:
            high = middle
        else:
            low = middle
    return high


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _span(text: str) -> tuple[int, int]:
    found = SPAN.fullmatch(text)
    assert found is not None
    from_hour, from_minute, to_hour, to_minute = map(int, found.groups())
    start, end = from_hour * 60 + from_minute, to_hour * 60 + to_minute
    return start, end if end > start else end + DAY_MIN


def _span_problems(where: str, spans: Any) -> Iterator[str]:
    if not isinstance(spans, list | tuple) or len(spans) > SPANS_MAX:
        yield f"{where}: must be a list of at most {SPANS_MAX} spans such as 09:00-18:00"
        return
    for text in spans:
        if not isinstance(text, str) or not SPAN.fullmatch(text) or _past_midnight(text):
            yield f"{where}: {str(text)[:40]!r} is no span such as 09:00-18:00"


def _past_midnight(text: str) -> bool:
    """24:30 is no time, and a span that ends where it begins says nothing."""
    begin, _, end = text.partition("-")
    return end > "24:00" or begin == end


def _zone_problems(name: Any) -> Iterator[str]:
    try:
        known = isinstance(name, str) and bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = False
    if not known:
        yield f"hours.timezone: there is no time zone {str(name)[:40]!r}"


def _is_date(text: Any) -> bool:
    try:
        return isinstance(text, str) and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
