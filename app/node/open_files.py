"""How many files this process may open, and what each part of a node may take of them.

A process that may open no further file accepts no connection: WeChat's pushes then wait until they time out.
So every part has its share: event streams get what the others leave, and the server accepts no more
connections than fit.
"""

from __future__ import annotations

import resource
from dataclasses import dataclass
from typing import Final

FILES_MOST: Final = 65_536
"""More than a node with the most streams can use; a container's limit may be a thousand million."""

OWN: Final = 40
"""Data files, pipes, log, listening socket, ZooKeeper, the lease; 24 were counted on an idle node."""

SQL: Final = 36
"""16 connections of the pool; on SQLite each has two files."""

OUTGOING: Final = 40
"""Connections to WeChat and the webhook: those of all threads that send, fetch and look up."""

PER_ACCOUNT: Final = 4
"""Connections on which one official account waits for news from Redis."""

SPARE: Final = 64
"""Connections of callbacks, pages, the API and probes while every event stream is in use."""

REDIS_LEAST: Final = 20
REDIS_PART: Final = 16
"""Each of the two Redis pools may have this part of all files, also where streams want more."""

REDIS_BESIDE_THREADS: Final = 24
"""Connections for senders and jobs, which are no threads of the server."""

CONNECTIONS_WANTED: Final = 1024
STREAMS_LEAST: Final = 8
"""A node with fewer is of no use to agents."""

FILES_LEAST: Final = OWN + SQL + OUTGOING + PER_ACCOUNT + 2 * REDIS_LEAST + SPARE + STREAMS_LEAST


@dataclass(frozen=True, slots=True)
class FilePlan:
    """The most that each part opens at once: event streams, HTTP connections, one Redis pool."""

    streams: int
    connections: int
    redis: int


def planned(limit: int, streams: int, threads: int, accounts: int) -> FilePlan | None:
    """Return the shares where ``limit`` files may be open; None where they are too few for a node.

    ``streams`` are those wanted and ``threads`` those of the server.
    """
    others = OWN + SQL + OUTGOING + PER_ACCOUNT * accounts
    redis_wanted = wanted_of_redis(threads)
    redis_least = min(max(REDIS_LEAST, limit // REDIS_PART), redis_wanted)
    granted = min(streams, limit - others - SPARE - 2 * redis_least)
    if granted < min(streams, STREAMS_LEAST):
        return None
    redis = min(redis_wanted, (limit - others - SPARE - granted) // 2)
    connections = min(max(CONNECTIONS_WANTED, 2 * threads), limit - others - 2 * redis)
    return FilePlan(granted, connections, redis)


def wanted_of_redis(threads: int) -> int:
    """Return the connections of a Redis pool with which nobody ever waits for one."""
    return threads + REDIS_BESIDE_THREADS


def raise_limit() -> int:
    """Raise the soft limit of open files to the hard one, at most FILES_MOST, and return it.

    It is never lowered. Processes that are started later inherit it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    aim = FILES_MOST if hard == resource.RLIM_INFINITY else min(hard, FILES_MOST)
    if soft == resource.RLIM_INFINITY or soft >= aim:
        return FILES_MOST if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (aim, hard))
    except (OSError, ValueError):  # macOS knows a lower one that it does not name
        return soft
    return aim
