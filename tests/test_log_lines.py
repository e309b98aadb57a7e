"""Log lines: those that inform are written together, trouble at once, nothing twice and nothing lost."""

from __future__ import annotations

import threading

import pytest

from app.log_lines import LogLines
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
