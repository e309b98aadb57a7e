"""Work beside the requests: step after step, on equal terms only while it is behind."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from app.desk.keeping_up import KeepingUp
from app.node.tuning import NICENESS
from tests.support import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="niceness of threads is Linux's")

Step = tuple[int, int]
"""Which thread took it, and its niceness."""


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@contextmanager
def running(behind: Callable[[int], bool]) -> Iterator[list[Step]]:
    """What ran the steps so far; after the n-th the work is behind or not."""
    steps, under_way = list[Step](), threading.Lock()

    def step() -> bool:
        with under_way:
            steps.append((threading.get_native_id(), niceness()))
            return behind(len(steps))

    made = KeepingUp("test", step)
    made.start()
    try:
        yield steps
    finally:
        made.stop()
        wait_until(lambda: not made.is_alive(), 5)


def test_work_that_keeps_up_stands_back_in_one_thread() -> None:
    with running(lambda _: False) as steps:
        wait_until(lambda: len(steps) >= 100, 5)
    assert {nice for _, nice in steps} == {niceness() + NICENESS}
    assert len({thread for thread, _ in steps}) == 1


def test_what_falls_behind_takes_its_share_until_it_has_caught_up() -> None:
    with running(lambda count: 10 <= count < 20) as steps:
        wait_until(lambda: len(steps) >= 30, 5)
    usual = niceness()
    expected = [usual + NICENESS] * 10 + [usual] * 10 + [usual + NICENESS] * 10
    assert [nice for _, nice in steps[:30]] == expected


def test_it_ends_also_where_each_step_changes_turns() -> None:
    for _ in range(50):
        with running(lambda count: count % 2 == 0) as steps:
            wait_until(lambda: len(steps) >= 3, 5)


def test_where_a_sandbox_refuses_it_works_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refused)
    with running(lambda count: count % 2 == 0) as steps:
        wait_until(lambda: len(steps) >= 10, 5)
    assert {nice for _, nice in steps} == {niceness()}
