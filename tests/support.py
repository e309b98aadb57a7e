"""What every test may need: a server that may be missing, a condition to wait for, free ports."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import socket
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")


def need(reason: str) -> None:
    """Skip the test for `reason` ("" goes on); under CI=true that is a failure."""
    if not reason:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI=true allows no skipped test", pytrace=False)
    pytest.skip(f"NOT TESTED: {reason}; see make test")


def wait_until(condition: Callable[[], T], timeout: float = 10.0, every: float = 0.02) -> T:
    """The first truthy answer of `condition`; fails the test after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"not true within {timeout} s: {condition!r}, last {answer!r}")
        time.sleep(every)


def browser_path() -> str | None:
    """The system's browser, rather the one without windows; None where there is none."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser")
    return next(filter(None, map(shutil.which, names)), None)


PORTS = range(12_000, 22_000)
"""Below what outgoing connections are given, and so is each port + 10,000, the bus of a Redis cluster."""
_ports = itertools.cycle(random.sample(PORTS, len(PORTS)))


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on now; another one each time."""
    return next(port for port in _ports if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def accepts(port: int) -> bool:
    """Whether something listens on `port` of the loopback address."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
