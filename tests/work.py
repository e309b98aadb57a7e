"""Work counted instead of timed, so that what else runs on the machine decides no test."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from redis import Redis

Act = Callable[[], object]


def calls_made(act: Act) -> int:
    """Return how many functions `act` calls in this thread, C's among them."""
    made = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(None)
    return made


def least_s(acts: Sequence[Act], rounds: int) -> list[float]:
    """Return each act's least CPU time of this thread in seconds, the acts taken in turn."""
    least = [float("inf")] * len(acts)
    for _ in range(rounds):
        for which, act in enumerate(acts):
            began = time.thread_time()
            act()
            least[which] = min(least[which], time.thread_time() - began)
    return least


@dataclass(frozen=True, slots=True)
class StoreWork:
    """What Redis did: how often each command ran, those within scripts too, and the microseconds of all."""

    calls: dict[str, int]
    micros: int


def store_work(client: Redis, act: Act) -> StoreWork:
    """Return what Redis did for `act`; its figures are for everybody, so nobody else may use it now."""
    before = client.info("commandstats")
    act()
    after: dict[str, dict[str, int]] = client.info("commandstats")
    calls, micros = {}, 0
    for name, done in after.items():
        had: Mapping[str, int] = before.get(name, {"calls": 0, "usec": 0})
        if name != "cmdstat_info" and done["calls"] > had["calls"]:
            calls[name] = done["calls"] - had["calls"]
            micros += done["usec"] - had["usec"]
    return StoreWork(calls, micros)


def within(limit_s: float, act: Act, tries: int = 5) -> float:
    """Repeat `act` until one try ends within `limit_s` seconds, and return the seconds of that try.

    A machine that is busy now and then is slow now and then; a program that waits too long always is.
    """
    took: list[float] = []
    for _ in range(tries):
        began = time.monotonic()
        act()
        took.append(time.monotonic() - began)
        if took[-1] < limit_s:
            return took[-1]
    raise AssertionError(f"{tries} tries took {took} s, none below {limit_s} s")
