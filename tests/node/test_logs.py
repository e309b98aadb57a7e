"""Log lines: those that inform are written together, trouble at once, nothing twice and nothing lost."""

from __future__ import annotations

import json
import re
import threading

import pytest
import structlog

from app.node import logs
from app.node.logs import LINES, LogLines
from tests.support import wait_until


def test_lines_that_inform_come_soon_and_in_order(capfd: pytest.CaptureFixture[str]) -> None:
    lines = LogLines()
    lines.start()
    for number in range(100):
        lines.info(f"line {number}")
    written = list[str]()
    wait_until(lambda: written.extend(capfd.readouterr().err.split("\n")) or "line 99" in written)
    assert [one for one in written if one] == [f"line {n}" for n in range(100)]


def test_trouble_is_written_at_once_with_all_before_it(capfd: pytest.CaptureFixture[str]) -> None:
    lines = LogLines()
    lines._started = True
    lines.info("before")
    lines.error("trouble")
    assert capfd.readouterr().err == "before\ntrouble\n"


def test_lines_of_many_threads_are_whole(capfd: pytest.CaptureFixture[str]) -> None:
    lines = LogLines()
    lines._started = True

    def speak(name: int) -> None:
        for number in range(200):
            (lines.warning if number % 50 == 0 else lines.info)(f"{name}:{number}")

    threads = [threading.Thread(target=speak, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines.flush()
    written = capfd.readouterr().err.split()
    assert sorted(written) == sorted(f"{name}:{n}" for name in range(4) for n in range(200))


def test_what_informs_on_the_short_way_is_the_line_that_the_logger_writes(
    capfd: pytest.CaptureFixture[str],
) -> None:
    fields = {"appid": "wx1", "result": "appended", "repeated": False, "text": "secret words"}
    logs.configure("info")
    structlog.contextvars.bind_contextvars(request_id="r1")
    logs.inform("push", **fields)
    structlog.get_logger().info("push", **fields)
    logs.configure("error")
    logs.inform("push", **fields)
    structlog.contextvars.clear_contextvars()
    LINES.flush()
    short, usual = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    pattern = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
    assert all(pattern.fullmatch(line.pop("timestamp")) for line in (short, usual))
    assert short == usual
    assert short["text"] == logs.REDACTED and short["request_id"] == "r1"


@pytest.mark.parametrize(
    "odd", ["half a character \ud800", 10**30, object, frozenset({1}), b"\xff"]
)
def test_a_line_is_written_whatever_it_holds(
    odd: object, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.configure("info")
    structlog.get_logger().warning("odd", value=odd)
    logs.configure("error")
    assert json.loads(capfd.readouterr().err)["event"] == "odd"
