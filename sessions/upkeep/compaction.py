"""Has Redis forget what was deleted: its append-only file and its streams hold it for a while."""

from __future__ import annotations

import contextlib
import time
from importlib import resources
from typing import Any, Final

import redis
from redis.cluster import RedisCluster

from sessions.store.scripts import guarded

WITHIN_S: Final = 8.0
POLL_S: Final = 0.05
BATCH: Final = 500
FRESH: Final = ":fresh"


def rewrite_log(client: redis.Redis, within_s: float = WITHIN_S) -> bool:
    """Every master writes its append-only file anew; True once none of what was deleted is in one.

    False where that may not be asked for, fails, or takes longer: then it goes on by itself. Replicas,
    snapshots and backups are other files.
    """
    deadline = time.monotonic() + within_s
    try:
        return all(_rewritten(server, deadline) for server in _masters(client))
    except redis.RedisError:
        return False


def rewrite_stream(client: redis.Redis, key: str) -> None:
    """The stream once more under its name, entry for entry: one that is deleted in a stream is only marked.

    Readers and writers notice nothing. Raises StoreDown, StoreRefused.
    """
    fresh, last = key + FRESH, "-"
    guarded(lambda: client.delete(fresh))
    while rows := _after(client, key, last):
        _add(client, fresh, rows)
        last = f"({rows[-1][0]}"
        if len(rows) < BATCH:
            break
    text = (resources.files("sessions.store") / "lua" / "swap_stream.lua").read_text(
        encoding="utf-8"
    )
    guarded(lambda: client.eval(text, 2, key, fresh, last))


def _after(client: redis.Redis, key: str, last: str) -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = guarded(lambda: client.xrange(key, last, count=BATCH))
    return found


def _add(client: redis.Redis, key: str, rows: list[tuple[str, dict[str, str]]]) -> None:
    def send() -> object:
        pipe: Any = client.pipeline(transaction=True)
        for ident, values in rows:
            pipe.xadd(key, values, ident)
        return pipe.execute()

    guarded(send)


def _masters(client: Any) -> list[Any]:
    if not isinstance(client, RedisCluster):
        return [client]
    cluster: Any = client
    return [cluster.get_redis_connection(node) for node in cluster.get_primaries()]


def _rewritten(server: Any, deadline: float) -> bool:
    """One that began earlier may hold what was deleted since: it is let end, and another one begun."""
    before = _idle(server, deadline)
    if before is None or not before["aof_enabled"]:
        return before is not None
    with contextlib.suppress(redis.ResponseError):  # one may have begun meanwhile by itself
        server.bgrewriteaof()
    after = _idle(server, deadline)
    if after is None or after["aof_rewrites"] == before["aof_rewrites"]:
        return False
    return bool(after["aof_last_bgrewrite_status"] == "ok")


def _idle(server: Any, deadline: float) -> dict[str, Any] | None:
    """What Redis says of its files once no rewriting is under way; None if that takes too long."""
    while time.monotonic() < deadline:
        state: dict[str, Any] = server.info("persistence")
        if not state["aof_rewrite_in_progress"] and not state["aof_rewrite_scheduled"]:
            return state
        time.sleep(POLL_S)
    return None
