"""Connections for scripts on one server: nothing between the caller and the socket but a free one.

The library's pool, retries and client cost as much again as the command (docs/performance.md); what they
give is not needed here: scripts are repeatable, and ``guarded`` repeats them on a lost connection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

import hiredis
import redis


class Line(Protocol):
    """A way to the store."""

    def call(self, *command: Any) -> Any:
        """One command of texts and numbers, one round trip. Raises what redis-py raises."""

    def many(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Many commands in one round trip; the answer to one that was refused is its error."""


def line_to(client: redis.Redis) -> Line:
    """How to reach this client's store: by the library where it must find the server first."""
    pool: Any = getattr(client, "connection_pool", None)
    plain = type(pool) is redis.BlockingConnectionPool
    return Wire(pool) if plain else Library(client)


def fields_of(answer: Any) -> dict[str, str]:
    """A hash: the server sends its fields and values in turn, the library has made a dict of them."""
    return answer if isinstance(answer, dict) else dict(zip(answer[::2], answer[1::2], strict=True))


class Library:
    """Every command by redis-py."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def call(self, *command: Any) -> Any:
        return self._client.execute_command(*command)

    def many(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        pipe = self._client.pipeline(transaction=False)
        for command in commands:
            pipe.execute_command(*command)
        answers: list[Any] = pipe.execute(raise_on_error=False)
        return answers


class Wire:
    """Commands with the settings of a pool. As many connections as are in use at once."""

    def __init__(self, pool: redis.ConnectionPool) -> None:
        self._pool = pool
        # Its ends are safe to use from any thread, so no lock is needed.
        self._free: deque[Any] = deque()

    def call(self, *command: Any) -> Any:
        (answer,) = self.many([command])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def many(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        connection = self._taken()
        try:
            packed = b"".join([hiredis.pack_command(tuple(command)) for command in commands])
            connection.send_packed_command([packed])
            return [_answer(connection) for _ in commands]
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


def _answer(connection: Any) -> Any:
    try:
        return connection.read_response()
    except redis.ResponseError as refused:
        return refused
