"""Redis clients, each for its own kind of call (reliability 3.5)."""

from __future__ import annotations

import redis
from redis import Redis as Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

POOL_WAIT_S = 0.3
CONNECT_S = 0.5
READ_S = 1.0
HEALTH_CHECK_S = 15


def store_client(url: str, connections: int) -> redis.Redis:
    """For everything that answers at once; the library repeats nothing by itself."""
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=POOL_WAIT_S,
        socket_connect_timeout=CONNECT_S,
        socket_timeout=READ_S,
        health_check_interval=HEALTH_CHECK_S,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
        protocol=2,
    )
    return redis.Redis.from_pool(pool)


def blocking_client(url: str, block_s: float) -> redis.Redis:
    """For reads that wait for news; its time-out is longer than the wait."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_S,
        socket_timeout=block_s + 2 * READ_S,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
        protocol=2,
    )
