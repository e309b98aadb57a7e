"""Scripts go straight to one server, and by the library where there are several."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from sessions.store.clients import store_client
from sessions.store.connection import Wire, fields_of, link_to
from sessions.store.scripts import guarded
from tests.servers import PrivateRedis
from tests.support import free_port, wait_until


class ClusterOfOne(PrivateRedis):
    """A cluster whose only node holds every slot."""

    def command(self) -> list[str]:
        return [*super().command(), "--cluster-enabled", "yes"]

    def form(self) -> None:
        with redis.Redis(port=self.port) as client:
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            wait_until(
                lambda: "'cluster_state': 'ok'" in str(client.execute_command("CLUSTER INFO"))
            )


@pytest.fixture
def client(redis_server: PrivateRedis) -> Iterator[redis.Redis]:
    made = store_client(redis_server.url, 8)
    yield made
    made.close()


def test_answers_are_as_the_client_gives_them(client: redis.Redis) -> None:
    call = link_to(client).call
    assert call("EVAL", "return {ARGV[1], tonumber(ARGV[2])}", 0, "你好", 7) == ["你好", 7]


def test_an_answer_that_came_too_late_goes_to_nobody_else(client: redis.Redis) -> None:
    wire = Wire(client.connection_pool)
    wire.call("PING")
    wire._free[0].limit(0.05)
    with pytest.raises(redis.TimeoutError):
        wire.call("BLPOP", "nothing-comes-here", 0.3)
    time.sleep(0.4)
    assert wire.call("ECHO", "mine") == "mine"


def test_a_refusal_keeps_the_connection(client: redis.Redis) -> None:
    wire = Wire(client.connection_pool)
    with pytest.raises(redis.ResponseError):
        wire.call("EVAL", "return redis.error_reply('NO')", 0)
    before = wire._free[0]
    assert wire.call("ECHO", "x") == "x"
    assert wire._free[0] is before


def test_many_commands_are_one_round_trip_and_a_refused_one_spoils_no_other(
    client: redis.Redis,
) -> None:
    line = link_to(client)
    set_, refused, got = line.many(
        [("HSET", "h", "a", "1", "b", "2"), ("INCR", "h"), ("HGETALL", "h")]
    )
    assert set_ == 2
    assert isinstance(refused, redis.ResponseError)
    assert fields_of(got) == {"a": "1", "b": "2"}


def test_a_client_opens_no_more_connections_than_it_may_have(
    redis_server: PrivateRedis, client: redis.Redis
) -> None:
    """Also where several ask by it; whoever finds all in use waits for one, and not for ever."""
    lines = [link_to(client), link_to(client)]
    assert lines[0] is lines[1]

    def blocked(number: int) -> str:
        try:
            lines[number % 2].call("BLPOP", f"nothing-comes-here-{number}", 0.6)
        except redis.ConnectionError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(12) as pool:
        said = list(pool.map(blocked, range(12)))
    assert said.count("") == 8
    assert said.count("all connections to the store are in use") == 4
    assert lines[0].call("ECHO", "free again") == "free again"


def test_many_threads_get_each_their_own_answer(client: redis.Redis) -> None:
    call = link_to(client).call
    with ThreadPoolExecutor(16) as pool:
        said = list(pool.map(lambda n: call("ECHO", str(n)), range(2_000)))
    assert said == [str(n) for n in range(2_000)]


def test_connections_that_were_made_ahead_are_those_that_are_used(client: redis.Redis) -> None:
    wire = Wire(client.connection_pool)
    wire.connect(3)
    ahead = set(wire._free)
    assert len(ahead) == 3
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda n: wire.call("ECHO", str(n)), range(100)))
    assert set(wire._free) == ahead


def test_a_cluster_is_asked_by_the_library(tmp_path: Path) -> None:
    server = ClusterOfOne(tmp_path)
    server.start()
    try:
        server.form()
        cluster = store_client(f"redis+cluster://127.0.0.1:{server.port}", 4)
        line = link_to(cluster)
        line.connect(2)
        assert line.call("EVAL", "return redis.call('INCR', KEYS[1])", 1, "kf:{wx}:n") == 1
        key = "kf:{wx}:h"
        assert line.many([("HSET", key, "a", "1"), ("INCR", key), ("HGETALL", key)])[::2] == [
            1,
            {"a": "1"},
        ]
        cluster.close()
    finally:
        server.stop()


class RedisOverTls(PrivateRedis):
    """Answers TLS beside its plain port, with a certificate made for the test."""

    def command(self) -> list[str]:
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        make = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048"]
        make += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        make += ["-keyout", str(key), "-out", str(certificate)]
        subprocess.run(make, check=True, capture_output=True)
        self.tls_port = free_port()
        tls = ["--tls-port", str(self.tls_port), "--tls-auth-clients", "no"]
        files = ["--tls-key-file", str(key), "--tls-cert-file", str(certificate)]
        return [*super().command(), *tls, *files]

    @property
    def tls_url(self) -> str:
        trusted = self.folder / "certificate.pem"
        return f"rediss://127.0.0.1:{self.tls_port}/0?ssl_ca_certs={trusted}"


def test_over_tls_all_is_the_same(tmp_path: Path) -> None:
    server = RedisOverTls(tmp_path / "tls")
    server.start()
    client = store_client(server.tls_url, 4)
    try:
        wire = Wire(client.connection_pool)
        long = "长" * 200_000
        assert wire.call("ECHO", long) == long
        assert wire.many([("ECHO", str(n)) for n in range(500)]) == [str(n) for n in range(500)]
        server.freeze()
        with pytest.raises(redis.TimeoutError):
            wire.call("ECHO", "silent")
        server.thaw()
        assert wire.call("ECHO", "again") == "again"
    finally:
        client.close()
        server.stop()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[PrivateRedis]:
    made = PrivateRedis(tmp_path / "own")
    made.start()
    yield made
    made.stop()


def test_a_server_that_is_silent_is_a_time_out_and_one_that_is_gone_a_lost_connection(
    own_redis: PrivateRedis,
) -> None:
    client = store_client(own_redis.url, 4)
    wire = Wire(client.connection_pool)
    assert wire.call("ECHO", "here") == "here"
    own_redis.freeze()
    began = time.monotonic()
    with pytest.raises(redis.TimeoutError):
        wire.call("ECHO", "silent")
    assert 0.9 < time.monotonic() - began < 10
    own_redis.thaw()
    assert wire.call("ECHO", "again") == "again"
    own_redis.kill9()
    for _ in range(2):
        with pytest.raises(redis.ConnectionError):
            wire.call("ECHO", "gone")


def test_a_connection_that_was_idle_for_long_is_asked_first_and_one_cut_meanwhile_is_not_kept(
    own_redis: PrivateRedis,
) -> None:
    client = store_client(own_redis.url, 4)
    wire = Wire(client.connection_pool)
    wire.call("PING")
    wire._free[0]._used_s -= 60
    calls = client.info("commandstats")["cmdstat_ping"]["calls"]
    assert wire.call("ECHO", "idle") == "idle"
    assert client.info("commandstats")["cmdstat_ping"]["calls"] == calls + 1
    client.client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(redis.ConnectionError):
        wire.call("ECHO", "cut")
    assert wire.call("ECHO", "anew") == "anew"


def test_one_retry_is_enough_after_a_restart_however_many_connections_were_free(
    own_redis: PrivateRedis,
) -> None:
    client = store_client(own_redis.url, 8)
    wire = Wire(client.connection_pool)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: wire.call("BLPOP", "nothing", 0.2), range(8)))
    assert len(wire._free) == 8
    own_redis.restart()
    said = [guarded(lambda n=n: wire.call("ECHO", str(n))) for n in range(4)]  # type: ignore[misc]
    assert said == ["0", "1", "2", "3"]
