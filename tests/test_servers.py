from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from kazoo.client import KazooClient

from tests.conftest import need
from tests.servers import PrivateRedis, PrivateZooKeeper, redis_missing, zookeeper_missing


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[PrivateRedis]:
    need(redis_missing())
    server = PrivateRedis(tmp_path / "redis", "always")
    server.start()
    yield server
    server.stop()


def test_a_private_redis_keeps_acknowledged_writes_over_kill_9(own_redis: PrivateRedis) -> None:
    with redis.Redis(port=own_redis.port) as client:
        client.set("k", "v")
    own_redis.restart()
    with redis.Redis(port=own_redis.port) as client:
        assert client.get("k") == b"v"


def test_a_step_cut_off_in_the_file_is_dropped_whole_also_at_the_start_after_the_next(
    own_redis: PrivateRedis,
) -> None:
    own_redis.kill9()
    (file,) = (own_redis.folder / "appendonlydir").glob("*.incr.aof")
    with file.open("ab") as out:
        out.write(b"*1\r\n$5\r\nMULTI\r\n*3\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$3\r\none\r\n")
        out.write(b"*3\r\n$3\r\nSET\r\n")
    own_redis.start()
    with redis.Redis(port=own_redis.port) as client:
        client.eval("redis.call('RPUSH', 'l', 'one') redis.call('SET', 'd', 1)", 0)
    own_redis.restart()
    with redis.Redis(port=own_redis.port) as client:
        assert client.lrange("l", 0, -1) == [b"one"]


def test_a_private_zookeeper_keeps_nodes_over_kill_9(tmp_path: Path) -> None:
    need(zookeeper_missing())
    server = PrivateZooKeeper(tmp_path / "zookeeper")
    server.start()
    try:
        make(server, "/kept")
        server.restart()
        assert exists(server, "/kept")
    finally:
        server.stop()


def make(server: PrivateZooKeeper, path: str) -> None:
    client = KazooClient(server.hosts)
    client.start(30)
    client.create(path, b"")
    client.stop()
    client.close()


def exists(server: PrivateZooKeeper, path: str) -> bool:
    client = KazooClient(server.hosts)
    client.start(30)
    found = client.exists(path) is not None
    client.stop()
    client.close()
    return found
