"""When the team is told, and when it is over."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.alerts.conditions import (
    NOBODY_MS,
    OF_STORES,
    SETTLE_MS,
    STORES_MS,
    Alarm,
    Limits,
    Standing,
    Told,
    Vitals,
    judge,
)
from app.alerts.words import BYTES_MAX, message

WELL = Vitals(0, 0, 1, "", "", 0)
LIMITS = Limits(wait_ms=300_000, dead=5)
BAD = {
    Alarm.OLDEST_WAIT: replace(WELL, oldest_wait_ms=300_000, waiting=1),
    Alarm.NOBODY_ONLINE: replace(WELL, waiting=2, online=0),
    Alarm.TOKEN: replace(WELL, token_error="40013"),
    Alarm.QUOTA: replace(WELL, quota_error="45009"),
    Alarm.DEAD_LETTERS: replace(WELL, dead=5),
    Alarm.DATABASE: replace(WELL, database_up=False),
    Alarm.ZOOKEEPER: replace(WELL, zookeeper_up=False),
}


class Clock:
    """Judges one after another, as the watch does."""

    def __init__(self) -> None:
        self.standing: dict[Alarm, Standing] = {}
        self.now_ms = 1_000_000

    def after(self, ms: int, vitals: Vitals) -> list[Told]:
        self.now_ms += ms
        self.standing, told = judge(vitals, LIMITS, self.standing, self.now_ms)
        return told


@pytest.mark.parametrize("alarm", list(Alarm))
def test_each_alarm_is_told_once_and_its_end_once(alarm: Alarm) -> None:
    clock = Clock()
    told = clock.after(0, BAD[alarm]) + clock.after(NOBODY_MS, BAD[alarm])
    told += clock.after(3_600_000, BAD[alarm])
    assert [(t.alarm, t.lasted_ms) for t in told] == [(alarm, None)]
    assert clock.after(1, WELL) == []
    (over,) = clock.after(SETTLE_MS, WELL)
    assert (over.alarm, over.lasted_ms is not None) == (alarm, True)
    assert clock.after(SETTLE_MS, WELL) == []


def test_what_flickers_around_the_threshold_tells_nobody_twice() -> None:
    clock = Clock()
    just_below = replace(WELL, oldest_wait_ms=299_999, waiting=1)
    told = [clock.after(15_000, vitals) for vitals in (BAD[Alarm.OLDEST_WAIT], just_below) * 20]
    assert sum(map(len, told)) == 1


@pytest.mark.parametrize("alarm", OF_STORES)
def test_a_store_that_is_restarted_is_no_alarm(alarm: Alarm) -> None:
    clock = Clock()
    assert clock.after(0, BAD[alarm]) == []
    assert clock.after(STORES_MS - 1, WELL) == []
    assert clock.after(1, BAD[alarm]) == []


def test_a_change_of_shifts_is_no_alarm() -> None:
    clock = Clock()
    assert clock.after(0, BAD[Alarm.NOBODY_ONLINE]) == []
    assert clock.after(NOBODY_MS - 1, WELL) == []
    assert clock.after(1, BAD[Alarm.NOBODY_ONLINE]) == []


@given(st.lists(st.sampled_from([WELL, *BAD.values()]), max_size=60))
def test_alarms_and_their_ends_always_alternate(course: list[Vitals]) -> None:
    clock = Clock()
    told = [one for vitals in course for one in clock.after(40_000, vitals)]
    for alarm in Alarm:
        ends = [one.lasted_ms is not None for one in told if one.alarm is alarm]
        assert ends == [bool(n % 2) for n in range(len(ends))]


@pytest.mark.parametrize("kind", ["markdown", "text"])
def test_the_message_is_what_the_group_robot_takes(kind: str) -> None:
    told = [Told(alarm, BAD[alarm]) for alarm in Alarm] + [Told(Alarm.TOKEN, WELL, 61_000)]
    made = message(kind, "店" * 2000, told)
    assert set(made) == {"msgtype", kind} and made["msgtype"] == kind
    assert len(made[kind]["content"].encode()) <= BYTES_MAX
    assert "持续 1 分 1 秒" in message(kind, "店", told)[kind]["content"]
