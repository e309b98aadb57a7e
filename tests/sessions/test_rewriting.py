"""What was deleted is gone from the append-only file too, on Redis and on the embedded store."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis

from app.node.data_lock import DataLock
from app.node.embedded_store import EmbeddedServer
from sessions.store.clients import blocking_client, store_client
from sessions.upkeep.compaction import BATCH, rewrite_log, rewrite_stream
from tests.conftest import need
from tests.servers import PrivateRedis, redis_missing
from tests.support import wait_until

WORDS = "我的手机号是一三八"


@dataclass
class Store:
    """A store of this test alone and the folder of its files."""

    client: Redis
    url: str
    folder: Path

    def written(self) -> bytes:
        return b"".join(path.read_bytes() for path in (self.folder / "appendonlydir").iterdir())

    def write(self) -> None:
        self.client.set("said", WORDS)
        wait_until(lambda: WORDS.encode() in self.written())


@pytest.fixture(params=["redis", "embedded"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "redis":
        need(redis_missing())
        server = PrivateRedis(tmp_path / "redis")
        server.start()
        url, stop = server.url, server.stop
    else:
        lock = DataLock.acquire(tmp_path)
        embedded = EmbeddedServer(tmp_path, lock.descriptor)
        embedded.start()
        url, stop = embedded.url, embedded.stop
        request.addfinalizer(lambda: os.close(lock.descriptor))
    with store_client(url, 2) as client:
        yield Store(client, url, tmp_path / "redis")
    stop()


def test_what_was_deleted_is_in_no_file_afterwards(store: Store) -> None:
    store.client.set("kept", "another customer")
    store.write()
    store.client.delete("said")
    assert WORDS.encode() in store.written()
    assert rewrite_log(store.client)
    assert WORDS.encode() not in store.written()
    assert store.client.get("kept") == "another customer"


def test_a_rewriting_that_began_before_the_deletion_is_not_taken_for_one_after_it(
    store: Store,
) -> None:
    store.write()
    store.client.config_set("rdb-key-save-delay", 500_000)
    store.client.bgrewriteaof()
    store.client.delete("said")
    store.client.config_set("rdb-key-save-delay", 0)
    assert store.client.info("persistence")["aof_rewrite_in_progress"]
    assert rewrite_log(store.client)
    assert WORDS.encode() not in store.written()


def test_one_who_may_not_ask_is_told_that_it_was_not_done(store: Store) -> None:
    store.write()
    store.client.execute_command(
        "ACL", "SETUSER", "kf", "on", ">pass", "~*", "+@all", "-bgrewriteaof"
    )
    with Redis.from_url(store.url, username="kf", password="pass", decode_responses=True) as theirs:
        assert not rewrite_log(theirs)
    store.client.execute_command("ACL", "SETUSER", "kf", "-info")
    with Redis.from_url(store.url, username="kf", password="pass", decode_responses=True) as theirs:
        assert not rewrite_log(theirs)


def test_one_that_takes_too_long_is_not_waited_for(store: Store) -> None:
    store.write()
    store.client.config_set("rdb-key-save-delay", 1_000_000)
    assert not rewrite_log(store.client, within_s=0.2)
    store.client.config_set("rdb-key-save-delay", 0)
    wait_until(lambda: not store.client.info("persistence")["aof_rewrite_in_progress"])


def test_a_deleted_entry_of_a_stream_is_in_no_file_afterwards(store: Store) -> None:
    first = store.client.xadd("desk", {"m": "another customer"})
    his = store.client.xadd("desk", {"m": WORDS})
    last = store.client.xadd("desk", {"m": "the newest"})
    store.client.xdel("desk", his)
    rewrite_stream(store.client, "desk")
    assert rewrite_log(store.client)
    assert WORDS.encode() not in store.written()
    assert [ident for ident, _ in store.client.xrange("desk")] == [first, last]


def test_a_stream_written_anew_goes_on_where_it_was(store: Store) -> None:
    ids = [store.client.xadd("desk", {"m": str(n)}) for n in range(BATCH + 7)]
    store.client.xdel("desk", ids[-1])
    rewrite_stream(store.client, "desk")
    assert store.client.xinfo_stream("desk")["last-generated-id"] == ids[-1]
    assert [i for i, _ in store.client.xrange("desk")] == ids[:-1]
    for rest in (ids[:-1], []):
        store.client.xdel("desk", *rest, "0-1")
        rewrite_stream(store.client, "desk")
        assert store.client.xinfo_stream("desk")["last-generated-id"] == ids[-1]
        assert store.client.xlen("desk") == 0
    rewrite_stream(store.client, "none")
    assert not store.client.exists("none", "none:fresh", "desk:fresh")


def test_a_reader_who_waits_misses_nothing_while_the_stream_is_written_anew(store: Store) -> None:
    last = store.client.xadd("desk", {"m": "seen"})
    heard: list[str] = []

    def read() -> None:
        with blocking_client(store.url, 5.0) as reader:
            for _, entries in reader.xread({"desk": last}, block=5_000):
                heard.extend(values["m"] for _, values in entries)

    thread = threading.Thread(target=read)
    thread.start()
    wait_until(lambda: store.client.info("clients")["blocked_clients"])
    rewrite_stream(store.client, "desk")
    store.client.xadd("desk", {"m": "new"})
    thread.join()
    assert heard == ["new"]
