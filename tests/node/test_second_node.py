"""When a whole node takes the lease of the only one, and when it needs none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import argon2
import pytest
from pydantic import SecretStr

from app import wiring
from app.auth import secret_key
from app.auth.passwords import MEMORY_KIB, TIME_COST
from app.node.context import NodeContext, StartError
from app.node.lease import KEY, NodeLease
from app.services import Services
from app.storage import people
from app.storage.sql import reading
from sessions.store.clients import Redis, store_client
from tests.directory.rig import settings_for
from tests.servers import PrivateRedis
from tests.support import free_port, wait_until


@pytest.fixture
def url(redis_server: PrivateRedis) -> Iterator[str]:
    """A Redis database of these tests' own, on which nothing runs afterwards."""
    url = redis_server.url.removesuffix("/0") + "/12"
    with Redis.from_url(url) as client:
        client.flushdb()
    yield url
    wiring.shutdown()


@pytest.fixture
def other(url: str, request: pytest.FixtureRequest) -> Iterator[None]:
    """Another node runs; it has ZooKeeper where the test says so."""
    alone = getattr(request, "param", "alone") == "alone"
    lease = NodeLease(store_client(url, 1), "other", alone=alone, lease_ms=3000, renew_s=0.5)
    lease.take()
    yield
    lease.release()


def context(url: str, base: str, *, embedded: bool = False) -> NodeContext:
    return NodeContext(
        redis_url=url,
        embedded=embedded,
        draining=lambda: False,
        base_url=base,
        demo=None,
        node_id="ours",
        secret_key=SecretStr("k" * 32),
        admin_password=SecretStr("a-password-of-the-test"),
    )


def build(tmp_path: Path, url: str, appid: str, *, embedded: bool = False, **more: str) -> Services:
    base = f"http://127.0.0.1:{free_port()}"
    tmp_path.mkdir(exist_ok=True)
    settings = settings_for(tmp_path, appid, base, **more)
    return wiring.build(settings, context(url, base, embedded=embedded))


def holders(url: str) -> list[str]:
    with Redis.from_url(url, decode_responses=True) as client:
        places: list[str] = client.zrange(KEY, 0, -1)
        return sorted(place.partition("|")[0] for place in places)


def test_a_node_on_an_external_redis_holds_the_lease_while_it_runs(
    tmp_path: Path, url: str, appid: str
) -> None:
    build(tmp_path, url, appid)
    assert holders(url) == ["ours"]
    wiring.shutdown()
    assert holders(url) == []


@pytest.mark.usefixtures("other")
def test_a_second_node_without_zookeeper_does_not_start(
    tmp_path: Path, url: str, appid: str
) -> None:
    with pytest.raises(StartError, match="KF_ZOOKEEPER_HOSTS"):
        build(tmp_path, url, appid)
    assert holders(url) == ["other"]


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize("other", ["many"], indirect=True)
def test_with_zookeeper_named_several_nodes_start(tmp_path: Path, url: str, appid: str) -> None:
    build(tmp_path, url, appid, KF_ZOOKEEPER_HOSTS=f"127.0.0.1:{free_port()}")
    assert holders(url) == ["other", "ours"]


@pytest.mark.usefixtures("other")
def test_a_node_with_zookeeper_does_not_start_beside_one_without(
    tmp_path: Path, url: str, appid: str
) -> None:
    with pytest.raises(StartError, match="KF_ZOOKEEPER_HOSTS there as well"):
        build(tmp_path, url, appid, KF_ZOOKEEPER_HOSTS=f"127.0.0.1:{free_port()}")
    assert holders(url) == ["other"]


@pytest.mark.usefixtures("other")
def test_the_embedded_default_is_alone_by_its_data_folder(
    tmp_path: Path, url: str, appid: str
) -> None:
    build(tmp_path, url, appid, embedded=True)


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize("other", ["many"], indirect=True)
def test_nodes_that_were_given_no_secret_key_use_the_same(
    tmp_path: Path, url: str, appid: str
) -> None:
    with Redis.from_url(url) as client:
        client.set(secret_key.KEY, "made by the other node")
    services = build(tmp_path, url, appid, KF_ZOOKEEPER_HOSTS=f"127.0.0.1:{free_port()}")
    assert services.node.secret_key.get_secret_value() == "made by the other node"


def test_a_node_with_another_database_does_not_start_and_leaves_the_agents_alone(
    tmp_path: Path, url: str, appid: str
) -> None:
    zookeeper = {"KF_ZOOKEEPER_HOSTS": f"127.0.0.1:{free_port()}"}
    seats = build(tmp_path / "one", url, appid, **zookeeper).served[appid].account.seats
    seats.put("amy@shop", "Amy", 5, ())
    with pytest.raises(StartError, match="KF_DATABASE_URL"):
        build(tmp_path / "two", url, appid, **zookeeper)
    with Redis.from_url(url, decode_responses=True) as client:
        assert client.hget(seats.keys.of("agent", "amy@shop"), "enabled") == "1"
    wiring.shutdown()
    wait_until(lambda: not [t for t in threading.enumerate() if "zk_loop" in t.name])


def test_a_node_made_without_passwords_of_a_test_hashes_at_the_full_cost(
    tmp_path: Path, url: str, appid: str
) -> None:
    services = build(tmp_path, url, appid, embedded=True)
    with reading(services.engine) as conn:
        person = people.by_sign_in_name(conn, "admin")
    assert person is not None
    cost = argon2.extract_parameters(person.password_hash)
    assert (cost.memory_cost, cost.time_cost) == (MEMORY_KIB, TIME_COST)


def test_the_only_node_may_change_its_database(tmp_path: Path, url: str, appid: str) -> None:
    for folder in ("one", "two", "two"):
        build(tmp_path / folder, url, appid)
        wiring.shutdown()


@pytest.mark.parametrize("where", ["redis://127.0.0.1:{port}/0", "redis+cluster://127.0.0.1:x"])
def test_a_redis_that_is_not_there_at_the_start_is_one_line(
    tmp_path: Path, appid: str, where: str
) -> None:
    url = where.format(port=free_port())
    settings = settings_for(tmp_path, appid, "http://127.0.0.1:1", KF_REDIS_URL=url)
    with pytest.raises(StartError, match="KF_REDIS_URL") as refused:
        wiring.create_wsgi(settings, context(url, "http://127.0.0.1:1"))
    assert "\n" not in str(refused.value)
