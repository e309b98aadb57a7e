"""The check of all counters: silent while they agree, names each planted damage, and mends it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from sessions.store.scripts import Scripts
from sessions.upkeep.invariants import Invariants
from tests.sessions.conftest import DEADLINES, GROUP, Bench


@pytest.fixture
def check(scripts: Scripts, appid: str) -> Invariants:
    return Invariants(scripts, appid, DEADLINES, 60_000)


@pytest.fixture
def busy(bench: Bench) -> tuple[Bench, str, str]:
    """One conversation served, one waiting; their ids."""
    bench.agent("a@x", seats=1)
    seated = bench.arrive(bench.push("o1"), ["a@x"]).session_id
    waiting = bench.arrive(bench.push("o2"), ["a@x"]).session_id
    return bench, seated, waiting


def take_the_seat(bench: Bench, seated: str, waiting: str) -> None:
    bench.scripts.client.srem(bench.store.keys.of("seats", "a@x"), seated)


def keep_a_seat_of_nobody(bench: Bench, seated: str, waiting: str) -> None:
    bench.scripts.client.sadd(bench.store.keys.of("seats", "b@x"), "f" * 24)


def seat_who_waits(bench: Bench, seated: str, waiting: str) -> None:
    bench.scripts.client.sadd(bench.store.keys.of("seated", GROUP), waiting)


def drop_from_the_queue(bench: Bench, seated: str, waiting: str) -> None:
    bench.scripts.client.delete(bench.store.keys.of("queue", GROUP))


def queue_who_is_served(bench: Bench, seated: str, waiting: str) -> None:
    bench.scripts.client.zadd(bench.store.keys.of("queue", GROUP), {seated: 1})


def lose_all_deadlines(bench: Bench, seated: str, waiting: str) -> None:
    bench.scripts.client.delete(bench.store.keys.of("timers"))


def lose_an_open_pointer(bench: Bench, seated: str, waiting: str) -> None:
    bench.scripts.client.hdel(bench.store.keys.of("customer", "o1"), "open")


def point_to_nothing(bench: Bench, seated: str, waiting: str) -> None:
    bench.scripts.client.hset(bench.store.keys.of("customer", "o9"), "open", "f" * 24)


def lose_the_list(bench: Bench, seated: str, waiting: str) -> None:
    bench.scripts.client.delete(bench.store.keys.of("live"))


DAMAGE = [
    take_the_seat,
    keep_a_seat_of_nobody,
    seat_who_waits,
    drop_from_the_queue,
    queue_who_is_served,
    lose_all_deadlines,
    lose_an_open_pointer,
    point_to_nothing,
    lose_the_list,
]


def test_an_account_that_agrees_has_no_findings(
    busy: tuple[Bench, str, str], check: Invariants
) -> None:
    assert check.problems() == []


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_every_damage_is_found_and_mended(
    busy: tuple[Bench, str, str],
    check: Invariants,
    damage: Callable[[Bench, str, str], None],
) -> None:
    bench, seated, waiting = busy
    damage(bench, seated, waiting)
    found = check.problems()
    assert found
    assert check.repair(found) == len(found)
    assert check.problems() == []
    assert bench.seats.held("a@x") == {seated}
    assert bench.queries.waiting([GROUP], 10) == [waiting]


def test_what_changed_since_it_was_found_is_left_alone(
    busy: tuple[Bench, str, str], check: Invariants
) -> None:
    bench, seated, waiting = busy
    take_the_seat(bench, seated, waiting)
    found = check.problems()
    bench.scripts.client.hincrby(bench.store.keys.of("session", seated), "version", 1)
    assert check.repair(found) == 0


def test_a_serving_account_looks_right_all_the_time(bench: Bench, check: Invariants) -> None:
    for name in ("a@x", "b@x", "c@x"):
        bench.agent(name, seats=3)
    stop = threading.Event()

    def customers(start: int) -> None:
        number = start
        while not stop.is_set():
            bench.arrive(bench.push(f"o{number}"), ["a@x", "b@x", "c@x"])
            bench.store.drain("a@x", [GROUP])
            number += 1

    threads = [threading.Thread(target=customers, args=(n * 100_000,)) for n in range(3)]
    for thread in threads:
        thread.start()
    try:
        assert [check.problems() for _ in range(5)] == [[]] * 5
    finally:
        stop.set()
        for thread in threads:
            thread.join()
