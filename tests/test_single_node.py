"""Without ZooKeeper one Redis serves one node: the second is refused, a dead one's place becomes free."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.node import StartError
from app.single_node import KEY, NodeLease
from sessions.clients import Redis, store_client
from sessions.model import StoreDown
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

    def node(
        node_id: str, wait_s: float = 2.5, renew_s: float = RENEW_S, *, shared: bool = False
    ) -> NodeLease:
        client = store_client(url, 2)
        made.append(NodeLease(client, node_id, LEASE_MS, renew_s, wait_s, shared=shared))
        return made[-1]

    yield node
    for lease in made:
        lease.release()


def test_the_first_node_starts_at_once_and_renews(make: Make, look: Redis) -> None:
    said: list[str] = []
    make("one").take(said.append)
    assert said == []
    ends = time.monotonic() + 2 * LEASE_MS / 1000
    while time.monotonic() < ends:
        assert str(look.get(KEY)).startswith("one|")
        time.sleep(0.1)


def test_a_second_node_is_refused_by_a_line_that_names_the_setting(make: Make, look: Redis) -> None:
    make("one").take()
    said: list[str] = []
    with pytest.raises(StartError, match=r"node one runs .* set KF_ZOOKEEPER_HOSTS"):
        make("two").take(said.append)
    assert len(said) == 1
    assert str(look.get(KEY)).startswith("one|")


def test_a_living_holder_is_told_by_its_renewal_without_the_whole_wait(make: Make) -> None:
    make("one").take()
    began = time.monotonic()
    with pytest.raises(StartError):
        make("two", wait_s=60.0).take()
    assert time.monotonic() - began < 10


def test_nodes_with_zookeeper_start_beside_each_other_and_keep_out_one_without(
    make: Make, look: Redis
) -> None:
    first, second = make("one", shared=True), make("two", shared=True)
    said: list[str] = []
    first.take(said.append)
    second.take(said.append)
    assert said == []
    with pytest.raises(StartError, match="set KF_ZOOKEEPER_HOSTS"):
        make("three").take()
    first.release()
    assert look.get(KEY)


def test_a_node_with_zookeeper_does_not_start_beside_one_without(make: Make) -> None:
    make("one").take()
    with pytest.raises(StartError, match=r"node one runs .* set KF_ZOOKEEPER_HOSTS"):
        make("two", shared=True).take()


def test_a_dead_nodes_lease_runs_out_and_the_next_start_gets_it(make: Make, look: Redis) -> None:
    look.set(KEY, "one|0", px=1000)
    said: list[str] = []
    make("one").take(said.append)
    assert len(said) == 1 and "waiting for the lease of node one" in said[0]
    assert str(look.get(KEY)).startswith("one|") and look.get(KEY) != "one|0"


def test_a_released_lease_is_free_at_once(make: Make, look: Redis) -> None:
    first = make("one")
    first.take()
    first.release()
    assert look.get(KEY) is None
    said: list[str] = []
    make("two").take(said.append)
    assert said == []


def test_a_lease_of_another_node_is_neither_renewed_nor_released(make: Make, look: Redis) -> None:
    first = make("one", renew_s=0.1)
    first.take()
    look.set(KEY, "two|1", px=60_000)
    time.sleep(0.5)
    first.release()
    assert look.get(KEY) == "two|1"


def test_a_lease_that_redis_lost_is_taken_again(make: Make, look: Redis) -> None:
    make("one").take()
    look.delete(KEY)
    wait_until(lambda: str(look.get(KEY)).startswith("one|"))


def test_without_redis_taking_says_so_and_releasing_is_harmless() -> None:
    lease = NodeLease(store_client(f"redis://127.0.0.1:{free_port()}/0", 1), "one")
    with pytest.raises(StoreDown):
        lease.take()
    lease.release()


@pytest.mark.faults
def test_the_node_keeps_its_place_over_a_restart_of_redis(tmp_path: Path) -> None:
    need(redis_missing())
    server = PrivateRedis(tmp_path / "redis")
    server.start()
    lease = NodeLease(store_client(server.url, 2), "one", LEASE_MS, RENEW_S)
    try:
        lease.take()
        server.restart()
        with Redis.from_url(server.url, decode_responses=True) as look:
            wait_until(lambda: str(look.get(KEY)).startswith("one|"))
            ends = time.monotonic() + 2 * LEASE_MS / 1000
            while time.monotonic() < ends:
                assert str(look.get(KEY)).startswith("one|")
                time.sleep(0.1)
    finally:
        lease.release()
        server.stop()
