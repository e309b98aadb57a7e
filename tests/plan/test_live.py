"""Live values: read from SQL in the background, used from memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from app.plan.live import Live
from app.storage.sql import Connection
from tests.support import wait_until


@pytest.mark.parametrize("trouble", [ValueError("a bad document"), KeyError("nobody foresaw it")])
def test_a_value_that_cannot_be_used_leaves_the_last_one_and_is_read_again(
    engine: Engine, trouble: Exception
) -> None:
    stored: list[Any] = [trouble]
    warned: list[dict[str, object]] = []
    live = Live("v", engine, "wx1", 1, _reader(stored), lambda **why: warned.append(why), 0.0)
    wait_until(lambda: live() == 1 and warned)
    stored[0] = 2
    wait_until(lambda: live() == 2)
    _wait_for_reads()


def test_a_change_is_announced_but_the_first_read_is_not(engine: Engine) -> None:
    stored: list[Any] = [2]
    changes: list[tuple[int, int]] = []
    live = Live("v", engine, "wx1", 1, _reader(stored), print, 0.0)
    live.on_change = lambda before, after: changes.append((before, after))
    wait_until(lambda: live() == 2)
    stored[0] = 3
    wait_until(lambda: live() and (2, 3) in changes)
    assert (1, 2) not in changes
    _wait_for_reads()


def _wait_for_reads() -> None:
    """Let the background reads end before the engine is closed."""
    wait_until(lambda: all(thread.name != "v" for thread in threading.enumerate()))


def _reader(stored: list[Any]) -> Callable[[Connection], int]:
    def read(_conn: Connection) -> int:
        if isinstance(stored[0], Exception):
            raise stored[0]
        return int(stored[0])

    return read
