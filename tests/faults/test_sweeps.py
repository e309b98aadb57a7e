"""The same sweep on several nodes, and clocks that lie."""

from __future__ import annotations

import datetime
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import app.jobs
from app.conversations.timers import sweep as sweeps
from app.jobs import Jobs
from tests.conversations.conftest import Office
from tests.conversations.conftest import engine as engine
from tests.conversations.conftest import office as office
from tests.faults.conftest import Sheet
from tests.faults.rows import covers
from tests.support import wait_until

FAR = 10**13


def idle_ones(office: Office, number: int) -> list[str]:
    office.agent("a@x", seats=number)
    ids = []
    for n in range(number):
        sid = office.says(f"o{n}").session_id
        office.replies(sid, "a@x")
        office.timer_due(sid, "idle")
        ids.append(sid)
    return ids


@covers(22)
@covers(39)
def test_six_nodes_sweep_at_once_and_each_conversation_closes_once_with_one_farewell(
    office: Office, sheet: Sheet
) -> None:
    ids = idle_ones(office, 20)
    with ThreadPoolExecutor(6) as pool:
        fired = list(pool.map(lambda _: sweeps.run_timers(office.account, FAR), range(6)))
    assert sum(fired) == len(ids)
    for sid in ids:
        texts = [m["text"] for m in office.account.queries.messages(sid, 0, 50)]
        assert texts.count("[idle_close]") == 1
        assert office.session(sid).close_reason == "idle"
    sheet.held("20 conversations, 20 farewells")


@covers(38)
@pytest.mark.parametrize("off_s", [-300, 300])
def test_deadlines_follow_redis_and_not_a_nodes_clock(
    office: Office, monkeypatch: pytest.MonkeyPatch, sheet: Sheet, off_s: int
) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + off_s)
    office.agent("a@x")
    young = office.says("young").session_id
    (old,) = [office.says("old").session_id]
    office.timer_due(old, "idle")
    now_ms = office.account.store.now_ms()
    sweeps.run_timers(office.account, now_ms)
    assert office.session(old).close_reason == "idle_unanswered"
    assert office.session(young).is_open
    sheet.held("a node 5 min off closes nothing early and nothing late")


@covers(38)
def test_ticks_go_on_when_the_clock_is_set_back(
    monkeypatch: pytest.MonkeyPatch, sheet: Sheet
) -> None:
    ticks: list[float] = []
    real, shift = datetime.datetime, [0.0]

    class Wall(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
            return real.now(tz) + datetime.timedelta(seconds=shift[0])

    real_time = time.time
    for module in ("schedulers.base", "triggers.interval", "job", "executors.base"):
        path = f"apscheduler.{module}.datetime"
        monkeypatch.setattr(path, Wall, raising=False)
    monkeypatch.setattr(app.jobs.datetime, "datetime", Wall)
    monkeypatch.setattr(app.jobs.time, "time", lambda: real_time() + shift[0])
    jobs = Jobs([], 1, works=False)
    jobs._scheduler.add_job(lambda: ticks.append(time.monotonic()), "interval", seconds=1)
    jobs.start()
    try:
        wait_until(lambda: len(ticks) >= 2, 10)
        shift[0] = -30.0
        count, began = len(ticks), time.monotonic()
        wait_until(lambda: len(ticks) >= count + 2, 12)
        sheet.recovered(time.monotonic() - began)
    finally:
        jobs.stop()
    sheet.held("set back 30 s: the next ticks come at once")
