"""Ten thousand customers wait: the place is told and seats are given as fast as with ten."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import pytest

from sessions.model import State
from tests.conversations.conftest import Office
from tests.stories.conftest import GROUP

WAITING = 10_000
PLACE_S = 0.005
ASSIGN_S = 0.010
SLACK = 4  # two shared cores; the medians measured are far below


@pytest.fixture
def crowded(office: Office) -> Iterator[Office]:
    """Real customers at both ends of the queue, strangers between them."""
    office.says("first")
    key = office.account.store.keys.of("queue", GROUP)
    client = office.account.reading._redis
    _, now_ms = office.account.store.customer("")
    for start in range(0, WAITING, 1000):
        names = range(start, start + 1000)
        client.zadd(key, {f"stranger{n}": 1000 * now_ms + 100_000 + n for n in names})
    yield office
    client.delete(key)


def median_s(act: Callable[[int], object], times: int = 30) -> float:
    lasted = []
    for n in range(times):
        started = time.perf_counter()
        act(n)
        lasted.append(time.perf_counter() - started)
    return statistics.median(lasted)


def test_a_place_among_ten_thousand_is_told_within_five_milliseconds(crowded: Office) -> None:
    client, keys = crowded.account.reading._redis, crowded.account.store.keys
    sid = crowded.account.store.customer("first")[0].open_session
    client.zadd(keys.of("queue", GROUP), {sid: 9e15})
    asked = crowded.says("first", "排队")
    assert asked.position == WAITING + 1
    assert median_s(lambda n: crowded.says("first", "排队")) < PLACE_S * SLACK


def test_the_next_of_ten_thousand_is_seated_within_ten_milliseconds(crowded: Office) -> None:
    client, keys = crowded.account.reading._redis, crowded.account.store.keys
    crowded.account.seats.put("a@x", "a", 100, [])
    sids = [crowded.says(f"late{n}").session_id for n in range(30)]
    for place, sid in enumerate(sids):
        client.zadd(keys.of("queue", GROUP), {sid: place})

    def seat(n: int) -> None:
        crowded.account.seats.put("a@x", "a", n + 1, [])
        assert crowded.account.store.drain("a@x", [GROUP]) == [sids[n]]

    client.hset(keys.of("agent", "a@x"), "status", "online")
    assert median_s(seat) < ASSIGN_S * SLACK
    assert crowded.session(sids[0]).state is State.SERVING


def test_a_newcomer_behind_ten_thousand_costs_no_more(crowded: Office) -> None:
    crowded.agent("a@x", seats=1)
    assert median_s(lambda n: crowded.says(f"new{n}")) < ASSIGN_S * SLACK
