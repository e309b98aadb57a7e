"""Connections for scripts on one server: nothing between the caller and the socket but a free one.

The library's pool, retries and client cost as much again as the command (docs/performance.md); what they
give is not needed here: scripts are repeatable, and ``guarded`` repeats them on a lost connection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import hiredis
import redis


def caller(client: redis.Redis) -> Callable[..., Any]:
    """How to send a command to this client's store: by the library where it must find the server first."""
    pool: Any = getattr(client, "connection_pool", None)
    plain = type(pool) is redis.BlockingConnectionPool
    return Wire(pool).call if plain else client.execute_command


class Wire:
    """Commands with the settings of a pool. As many connections as are in use at once."""

    def __init__(self, pool: redis.ConnectionPool) -> None:
        self._pool = pool
        # Its ends are safe to use from any thread, so no lock is needed.
        self._free: deque[Any] = deque()

    def call(self, *command: Any) -> Any:
        """One command of texts and numbers, one round trip. Raises what redis-py raises."""
        connection = self._taken()
        try:
            connection.send_packed_command([hiredis.pack_command(command)])
            return connection.read_response()
        except redis.ResponseError:
            raise
        except BaseException:
            connection.disconnect()  # an answer may still come, for nobody
            raise
        finally:
            self._free.append(connection)

    def _taken(self) -> Any:
        try:
            return self._free.pop()
        except IndexError:
            return self._pool.connection_class(**self._pool.connection_kwargs)
