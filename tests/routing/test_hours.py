"""Opening hours against a minute-by-minute count, where clocks change and where they do not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.hours import DAYS, hours_from, is_open, next_opening, opening, problems, spoken

MINUTE_MS = 60_000
SCAN_MIN = 3 * 24 * 60
WEEK: dict[str, Any] = {day: ["09:00-18:00"] for day in DAYS[:5]}


def at(text: str, offset: str = "+08:00") -> int:
    return round(datetime.fromisoformat(f"{text}{offset}").timestamp() * 1000)


def open_by(document: dict[str, Any], ms: int) -> bool:
    assert list(problems(document)) == []
    return is_open(hours_from(document, "Asia/Shanghai"), ms)


def test_a_group_without_hours_is_always_open() -> None:
    assert opening(None, 0).open and opening(None, 0).why == "always"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-20T08:59", False),
        ("2026-11-20T09:00", True),
        ("2026-11-20T17:59", True),
        ("2026-11-20T18:00", False),
        ("2026-11-21T12:00", False),
    ],
)
def test_a_week_opens_and_closes_to_the_minute(moment: str, expected: bool) -> None:
    assert open_by({"weekly": WEEK}, at(moment)) is expected


def test_livechat_411_a_day_of_leave_closes_and_a_worked_saturday_opens() -> None:
    document = {
        "weekly": WEEK,
        "exceptions": {"2026-10-01": [], "2026-10-10": ["09:00-12:00"]},
    }
    assert not open_by(document, at("2026-10-01T10:00"))
    assert open_by(document, at("2026-10-10T10:00"))
    assert not open_by(document, at("2026-10-10T13:00"))
    hours = hours_from(document, "Asia/Shanghai")
    assert opening(hours, at("2026-10-10T10:00")).why == "exception"
    assert next_opening(hours, at("2026-10-10T13:00")) == at("2026-10-12T09:00")
    assert next_opening(hours, at("2026-09-30T18:00")) == at("2026-10-02T09:00")
    assert spoken(at("2026-10-02T09:00"), "Asia/Shanghai") == "10-02 09:00"


def test_a_night_belongs_to_the_day_it_begins() -> None:
    document = {"weekly": {"fri": ["22:00-06:00"]}, "exceptions": {"2026-11-21": []}}
    assert open_by(document, at("2026-11-20T23:00"))
    assert open_by(document, at("2026-11-21T05:59"))
    assert not open_by(document, at("2026-11-21T06:00"))
    assert not open_by(document, at("2026-11-21T23:00"))


def test_a_group_that_never_opens_says_so_instead_of_searching_for_ever() -> None:
    hours = hours_from({"weekly": {}}, "Asia/Shanghai")
    assert opening(hours, at("2026-11-20T10:00")).opens_ms is None
    assert spoken(None, "Asia/Shanghai") == ""


def test_hours_follow_the_clock_on_the_wall_when_it_is_changed() -> None:
    hours = hours_from({"weekly": {"sun": ["02:30-06:00"]}}, "Europe/Berlin")
    spring = at("2026-03-29T00:00", "+01:00")
    assert next_opening(hours, spring) == at("2026-03-29T03:00", "+02:00")
    early = hours_from({"weekly": {"sun": ["01:30-02:30"]}}, "Europe/Berlin")
    second_time = at("2026-10-25T02:30", "+02:00")
    assert next_opening(early, second_time) == at("2026-10-25T02:00", "+01:00")


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"timezone": "Mars/Olympus"},
        {"weekly": {"someday": []}},
        {"weekly": {"mon": "09:00-18:00"}},
        {"weekly": {"mon": ["9-18"]}},
        {"weekly": {"mon": ["09:00-24:30"]}},
        {"weekly": {"mon": ["09:00-09:00"]}},
        {"weekly": {"mon": [7]}},
        {"exceptions": {"1.10.2026": []}},
        {"exceptions": {"2026-02-30": []}},
        {"exceptions": []},
        {"days": {}},
    ],
)
def test_hours_that_cannot_be_meant_are_refused_with_a_line(document: Any) -> None:
    assert all(line.startswith("hours") for line in problems(document))
    assert list(problems(document))


clock = st.tuples(st.integers(0, 23), st.sampled_from([0, 15, 30, 45])).map(
    lambda t: f"{t[0]:02}:{t[1]:02}"
)
span = st.tuples(clock, clock).filter(lambda t: t[0] != t[1]).map(lambda t: f"{t[0]}-{t[1]}")
spans = st.lists(span, max_size=2)
SHANGHAI_DAYS = st.integers(0, 300).map(lambda d: at("2026-01-01T00:00") + d * 86_400_000)
CHANGES = st.sampled_from([at("2026-03-28T00:00", "+01:00"), at("2026-10-24T00:00", "+02:00")])


@given(
    weekly=st.dictionaries(st.sampled_from(DAYS), spans),
    exceptions=st.dictionaries(
        st.sampled_from(["2026-03-28", "2026-03-29", "2026-10-25", "2026-01-03"]), spans, max_size=2
    ),
    start=st.one_of(
        st.tuples(st.just("Asia/Shanghai"), SHANGHAI_DAYS),
        st.tuples(st.just("Europe/Berlin"), CHANGES),
    ),
    ahead=st.integers(0, 24 * 60),
)
def test_the_next_opening_is_the_first_open_minute(
    weekly: dict[str, Any], exceptions: dict[str, Any], start: tuple[str, int], ahead: int
) -> None:
    zone, begin = start
    hours = hours_from({"weekly": weekly, "exceptions": exceptions}, zone)
    now = begin + ahead * MINUTE_MS
    found = next_opening(hours, now)
    minutes = (now + n * MINUTE_MS for n in range(0, SCAN_MIN, 5))
    counted = next((ms for ms in minutes if is_open(hours, ms)), None)
    if counted is None:
        assert found is None or found >= now + (SCAN_MIN - 5) * MINUTE_MS
    else:
        assert found is not None and counted - 5 * MINUTE_MS < found <= counted
        assert is_open(hours, found)
