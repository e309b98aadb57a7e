"""Redis clients, each for its own kind of call (reliability 3.5), for one server, Sentinel or a cluster.

Addresses: ``redis://``, ``rediss://``, ``unix://`` as redis-py reads them;
``redis+sentinel://[:password@]host:26379,host:26379/master-name[/db]`` asks the sentinels who is master;
``redis+cluster://[user:password@]host:7000,host:7001``. ``rediss+…`` speaks TLS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

import redis
from redis import Redis as Redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

POOL_WAIT_S = 0.3
CONNECT_S = 0.5
READ_S = 1.0
HEALTH_CHECK_S = 15
BLOCKING_CONNECTIONS = 4
SENTINEL_PORT: Final = 26379
CLUSTER_PORT: Final = 6379

_TIME: Final = "local t = redis.call('TIME') return {tonumber(t[1]), tonumber(t[2])}"


class BadAddress(ValueError):
    """The address cannot be read. The message quotes no password."""


@dataclass(frozen=True, slots=True)
class Address:
    """Several servers of one store. ``master`` is the name the sentinels know, "" for a cluster."""

    hosts: tuple[tuple[str, int], ...]
    master: str
    db: int
    options: dict[str, Any]


def store_client(url: str, connections: int) -> redis.Redis:
    """Return a client for calls that answer at once; the library retries nothing by itself."""
    return _client(url, READ_S, connections)


def blocking_client(url: str, block_s: float) -> redis.Redis:
    """Return a client for blocking reads; its time-out is longer than the wait."""
    return _client(url, block_s + 2 * READ_S, BLOCKING_CONNECTIONS)


def ask_time(client: Any, key: str) -> Any:
    """Ask for the TIME of the server that holds ``key``: (seconds, microseconds); also within a pipeline.

    The command itself names no key, so in a cluster it would ask any server.
    """
    return client.execute_command(*time_of(key))


def time_of(key: str) -> tuple[str, str, int, str]:
    """Return the command of ``ask_time``."""
    return ("EVAL", _TIME, 1, key)


def as_ms(time: Sequence[Any]) -> int:
    """Return the server's answer to TIME, (seconds, microseconds), in milliseconds."""
    seconds, micros = time
    return int(seconds) * 1000 + int(micros) // 1000


def read_address(url: str) -> Address:
    """Return the parts of a Sentinel or cluster address. Raises BadAddress."""
    parts = urlsplit(url)
    who, _, where = parts.netloc.rpartition("@")
    user, _, password = who.partition(":")
    options: dict[str, Any] = {"ssl": True} if parts.scheme.startswith("rediss") else {}
    if password:
        options |= {"username": unquote(user) or None, "password": unquote(password)}
    sentinel = parts.scheme.endswith("+sentinel")
    port = SENTINEL_PORT if sentinel else CLUSTER_PORT
    hosts = tuple(_host(text, port) for text in where.split(",") if text)
    master, _, db = parts.path.strip("/").partition("/")
    if not hosts or bool(master) != sentinel or not (db or "0").isdigit():
        form = "host:26379,…/master-name[/db]" if sentinel else "host:7000,host:7001"
        raise BadAddress(f"must look like {parts.scheme}://[:password@]{form}")
    return Address(hosts, master, int(db or 0), options)


def _client(url: str, read_s: float, connections: int) -> redis.Redis:
    options = _options(read_s) | {"health_check_interval": HEALTH_CHECK_S}
    if _many(url):
        return _of_many(url, options, connections)
    pool = redis.BlockingConnectionPool.from_url(
        url, max_connections=connections, timeout=POOL_WAIT_S, **options
    )
    return redis.Redis.from_pool(pool)


def _many(url: str) -> bool:
    return "+" in url.partition("://")[0]


def _of_many(url: str, options: dict[str, Any], connections: int) -> redis.Redis:
    address = read_address(url)
    make: Callable[..., redis.Redis] = _by_sentinel if address.master else _cluster
    return make(address, options | address.options | {"max_connections": connections})


def _by_sentinel(address: Address, options: dict[str, Any]) -> redis.Redis:
    asking = _options(CONNECT_S) | {"ssl": options.get("ssl", False)}
    made: Any = Sentinel
    master = made(list(address.hosts), sentinel_kwargs=asking).master_for
    return cast(redis.Redis, master(address.master, db=address.db, **options))


def _cluster(address: Address, options: dict[str, Any]) -> redis.Redis:
    made: Any = ClusterNode
    nodes = [made(host, port) for host, port in address.hosts]
    return cast(redis.Redis, RedisCluster(startup_nodes=nodes, **options))


def _host(text: str, default_port: int) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not host:
        host, port = text, ""
    if port and not port.isdigit():
        raise BadAddress("a port must be a number")
    return host.strip("[]"), int(port or default_port)


def _options(read_s: float) -> dict[str, Any]:
    return {
        "socket_connect_timeout": CONNECT_S,
        "socket_timeout": read_s,
        "retry": _never(),
        "decode_responses": True,
        "protocol": 2,
        "driver_info": None,  # two round trips less for each new connection
    }


def _never() -> Retry:
    return Retry(NoBackoff(), 0)
