"""Ten thousand customers wait: the place is told and seats are given with the work that ten cost."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sessions.model import State
from tests.conversations.conftest import Office
from tests.servers import PrivateRedis
from tests.stories.conftest import GROUP
from tests.work import StoreWork, store_work

WAITING = 10_000
TIMES = 30
SHARE = 4
"""Of Redis' own time for the same commands: a walk along ten thousand takes a hundred times as long."""


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRedis]:
    """Its figures are for all who use it."""
    folder: Path = tmp_path_factory.mktemp("redis")
    server = PrivateRedis(folder)
    server.start()
    yield server
    server.stop()


def crowd(office: Office) -> None:
    """Strangers who came before whoever comes now."""
    key = office.account.store.keys.of("queue", GROUP)
    client = office.account.queries._redis
    now_ms = office.account.store.now_ms()
    for start in range(0, WAITING, 1000):
        names = range(start, start + 1000)
        client.zadd(key, {f"stranger{n}": 1000 * now_ms - WAITING + n for n in names})


Check = Callable[[Callable[[int], object]], None]


@pytest.fixture
def costs_as_much(office: Office) -> Iterator[Check]:
    """Hold the work of `act(0)`, `act(1)`, … in a crowd against its work before; the least of many each."""
    client = office.account.queries._redis
    numbers = itertools.count()

    def least(act: Callable[[int], object]) -> StoreWork:
        done = [store_work(client, lambda: act(next(numbers))) for _ in range(TIMES)]
        return StoreWork(done[-1].calls, min(one.micros for one in done))

    def check(act: Callable[[int], object]) -> None:
        few = least(act)
        crowd(office)
        many = least(act)
        assert many.calls == few.calls
        assert many.micros < SHARE * few.micros

    yield check
    client.delete(office.account.store.keys.of("queue", GROUP))


def test_a_place_among_ten_thousand_is_told_with_the_work_of_a_short_queue(
    office: Office, costs_as_much: Check
) -> None:
    office.says("first")
    sid = office.account.store.customer("first")[0].open_session
    queue = office.account.store.keys.of("queue", GROUP)
    office.account.queries._redis.zadd(queue, {sid: 9e15})
    costs_as_much(lambda n: office.says("first", "排队"))
    assert office.says("first", "排队").position == WAITING + 1


def test_the_next_of_ten_thousand_is_seated_with_the_work_of_a_short_queue(
    office: Office, costs_as_much: Check
) -> None:
    client, keys = office.account.queries._redis, office.account.store.keys
    office.account.seats.put("a@x", "a", 100, [])
    sids = [office.says(f"late{n}").session_id for n in range(2 * TIMES)]
    for place, sid in enumerate(sids):
        client.zadd(keys.of("queue", GROUP), {sid: place})

    def seat(n: int) -> None:
        office.account.seats.put("a@x", "a", n + 1, [])
        assert office.account.store.drain("a@x", [GROUP]) == [sids[n]]

    client.hset(keys.of("agent", "a@x"), "status", "online")
    costs_as_much(seat)
    assert office.session(sids[0]).state is State.SERVING


def test_a_newcomer_behind_ten_thousand_costs_no_more(office: Office, costs_as_much: Check) -> None:
    roomy = replace(office.account.policy, queue_max=2 * WAITING)
    office.account = replace(office.account, policy=roomy)
    office.agent("a@x", seats=1)
    office.says("served")
    costs_as_much(lambda n: office.says(f"new{n}"))
    assert office.says("last").position == WAITING + 2 * TIMES + 1
