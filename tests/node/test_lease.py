"""One Redis serves one node, or several that all have ZooKeeper; a dead one's place becomes free."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.node.context import StartError
from app.node.lease import KEY, NodeLease
from sessions.model import StoreDown
from sessions.store.clients import Redis, store_client
from tests.conftest import need
from tests.servers import PrivateRedis, redis_missing
from tests.support import free_port, wait_until

LEASE_MS = 1500
RENEW_S = 0.3

Make = Callable[..., NodeLease]


@pytest.fixture
def url(redis_server: PrivateRedis) -> str:
    """A Redis database of these tests' own."""
    url = redis_server.url.removesuffix("/0") + "/11"
    with Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture
def look(url: str) -> Iterator[Redis]:
    client = Redis.from_url(url, decode_responses=True)
    yield client
    client.close()


@pytest.fixture
def make(url: str) -> Iterator[Make]:
    """Leases with short times; released at the end."""
    made: list[NodeLease] = []

    def node(node_id: str, *, alone: bool = True, **more: float) -> NodeLease:
        times = {"lease_ms": LEASE_MS, "renew_s": RENEW_S, "wait_s": 2.5} | more
        made.append(NodeLease(store_client(url, 2), node_id, alone=alone, **times))  # type: ignore[arg-type]
        return made[-1]

    yield node
    for lease in made:
        lease.release()


def places(look: Redis) -> list[str]:
    """Which nodes stand on this Redis, and how."""
    found: list[str] = look.zrange(KEY, 0, -1)
    return sorted(f"{node} {how}" for node, _, how in (place.split("|") for place in found))


def leave(look: Redis, place: str, for_ms: int) -> None:
    """A node that ended without a word, so long ago that its lease has so much left."""
    look.zadd(KEY, {place: int(time.time() * 1000) + for_ms})


def test_the_first_node_starts_at_once_and_renews(make: Make, look: Redis) -> None:
    said: list[str] = []
    make("one").take(said.append)
    assert said == []
    ends = time.monotonic() + 2 * LEASE_MS / 1000
    while time.monotonic() < ends:
        assert places(look) == ["one alone"]
        time.sleep(0.1)


def test_a_second_node_is_refused_by_a_line_that_names_the_setting(make: Make, look: Redis) -> None:
    make("one").take()
    said: list[str] = []
    with pytest.raises(StartError, match=r"node one runs .* set KF_ZOOKEEPER_HOSTS"):
        make("two").take(said.append)
    assert len(said) == 1
    assert places(look) == ["one alone"]


def test_nodes_with_zookeeper_stand_beside_each_other(make: Make, look: Redis) -> None:
    said: list[str] = []
    make("one", alone=False).take(said.append)
    make("two", alone=False).take(said.append)
    assert said == [] and places(look) == ["one many", "two many"]


@pytest.mark.parametrize("alone", [True, False])
def test_a_node_with_zookeeper_and_one_without_do_not_stand_beside_each_other(
    make: Make, look: Redis, alone: bool
) -> None:
    make("one", alone=alone).take()
    where = "there as well" if alone else "here as well"
    with pytest.raises(StartError, match=rf"node one runs .* KF_ZOOKEEPER_HOSTS {where}"):
        make("two", alone=not alone).take()
    assert len(places(look)) == 1


def test_a_living_holder_is_told_by_its_renewal_without_the_whole_wait(make: Make) -> None:
    make("one").take()
    began = time.monotonic()
    with pytest.raises(StartError):
        make("two", wait_s=60.0).take()
    assert time.monotonic() - began < 30


def test_a_dead_nodes_lease_runs_out_and_the_next_start_gets_it(make: Make, look: Redis) -> None:
    leave(look, "one|0|alone", 1000)
    said: list[str] = []
    make("one").take(said.append)
    assert len(said) == 1 and "waiting for the lease of node one" in said[0]
    assert places(look) == ["one alone"] and look.zscore(KEY, "one|0|alone") is None


def test_several_dead_nodes_are_waited_for_and_not_taken_for_living_ones(
    make: Make, look: Redis
) -> None:
    for number in range(4):
        leave(look, f"n{number}|0|many", 400 * (number + 1))
    make("one", wait_s=20.0).take()
    assert places(look) == ["one alone"]


def test_a_released_lease_is_free_at_once(make: Make, look: Redis) -> None:
    first = make("one")
    first.take()
    first.release()
    assert places(look) == []
    said: list[str] = []
    make("two").take(said.append)
    assert said == []


def test_a_lease_of_another_node_is_neither_renewed_nor_released(make: Make, look: Redis) -> None:
    first = make("one", renew_s=0.1)
    first.take()
    look.delete(KEY)
    leave(look, "two|1|alone", 60_000)
    time.sleep(0.5)
    first.release()
    assert places(look) == ["two alone"]


def test_a_lease_that_redis_lost_is_taken_again(make: Make, look: Redis) -> None:
    make("one").take()
    look.delete(KEY)
    wait_until(lambda: places(look) == ["one alone"])


def test_without_redis_taking_says_so_and_releasing_is_harmless() -> None:
    lease = NodeLease(store_client(f"redis://127.0.0.1:{free_port()}/0", 1), "one", alone=True)
    with pytest.raises(StoreDown):
        lease.take()
    lease.release()


@pytest.mark.faults
def test_the_node_keeps_its_place_over_a_restart_of_redis(tmp_path: Path) -> None:
    need(redis_missing())
    server = PrivateRedis(tmp_path / "redis")
    server.start()
    client = store_client(server.url, 2)
    lease = NodeLease(client, "one", alone=True, lease_ms=LEASE_MS, renew_s=RENEW_S)
    try:
        lease.take()
        server.restart()
        with Redis.from_url(server.url, decode_responses=True) as look:
            wait_until(lambda: places(look) == ["one alone"])
            ends = time.monotonic() + 2 * LEASE_MS / 1000
            while time.monotonic() < ends:
                assert places(look) == ["one alone"]
                time.sleep(0.1)
    finally:
        lease.release()
        server.stop()
