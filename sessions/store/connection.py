"""Connections for scripts on one server, with nothing between the caller and the socket.

The library's pool, retries and client cost as much again as the command (docs/performance.md); what they
give is not needed here: scripts are repeatable, and ``guarded`` repeats them on a lost connection.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections import deque
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from typing import Any, Final, Protocol
from weakref import WeakValueDictionary

import hiredis
import redis
from redis._parsers.hiredis import NOT_ENOUGH_DATA

READ_BYTES: Final = 65_536
PING: Final[bytes] = hiredis.pack_command(("PING",))


class Link(Protocol):
    """A way to the store."""

    def call(self, *command: Any) -> Any:
        """Run one command of texts and numbers in one round trip. Raises what redis-py raises."""

    def many(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Run many commands in one round trip; the answer to a refused one is its error."""

    def connect(self, connections: int) -> None:
        """Open so many connections ahead of their use. Raises what redis-py raises."""


def link_to(client: redis.Redis) -> Link:
    """Return the way to this client's store: by the library where it must find the server first."""
    pool: Any = getattr(client, "connection_pool", None)
    if type(pool) is not redis.BlockingConnectionPool:
        return Library(client)
    wire = _wires.get(id(pool))
    if wire is None:
        _wires[id(pool)] = wire = Wire(pool)
    return wire


def fields_of(answer: Any) -> dict[str, str]:
    """Return a hash as a dict: the server sends fields and values in turn, the library makes a dict."""
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

    def connect(self, connections: int) -> None:
        """Do nothing: the library alone knows the server."""


class Wire:
    """Commands with the settings of a pool: as many connections as are in use at once, and as it may have."""

    def __init__(self, pool: redis.BlockingConnectionPool) -> None:
        self._pool = pool
        # Its ends are safe to use from any thread, so no lock is needed.
        self._free: deque[Direct] = deque()
        self._turns: SimpleQueue[None] = SimpleQueue()
        for _ in range(pool.max_connections):
            self._turns.put(None)

    def call(self, *command: Any) -> Any:
        (answer,) = self._asked(hiredis.pack_command(command), 1)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def many(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        packed = b"".join([hiredis.pack_command(tuple(command)) for command in commands])
        answers = self._asked(packed, len(commands))
        for answer in answers:
            if isinstance(answer, redis.ConnectionError):  # the server is loading and refused all
                raise answer
        return answers

    def connect(self, connections: int) -> None:
        self._free.extend(
            [Direct(self._pool) for _ in range(min(connections, self._pool.max_connections))]
        )

    def _asked(self, packed: bytes, count: int) -> list[Any]:
        """Ask by a free connection; wait for one as long as the library would. Raises ConnectionError."""
        try:
            self._turns.get(timeout=self._pool.timeout)
        except Empty:
            raise redis.ConnectionError("all connections to the store are in use") from None
        try:
            return self._asked_in_turn(packed, count)
        finally:
            self._turns.put(None)

    def _asked_in_turn(self, packed: bytes, count: int) -> list[Any]:
        """A connection that fails is closed, as an answer may still come, for nobody.

        When one connection breaks, all idle ones are closed as well: they are probably broken, too, and the
        caller retries only once.
        """
        try:
            connection = self._free.pop()
        except IndexError:
            connection = Direct(self._pool)
        try:
            answers = connection.ask(packed, count)
        except OSError as error:
            connection.close()
            if isinstance(error, TimeoutError | BlockingIOError):
                raise redis.TimeoutError("the store did not answer in time") from error
            self._drop_free()
            raise redis.ConnectionError(f"{type(error).__name__} from the store") from error
        except BaseException:
            connection.close()
            raise
        self._free.append(connection)
        return answers

    def _drop_free(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                self._free.pop().close()


_wires: Final[WeakValueDictionary[int, Wire]] = WeakValueDictionary()
"""One for each pool, so that all callers of one client share its connections."""


class Direct:
    """A connection that the library has opened, used without it.

    Its socket blocks and the kernel ends the wait: with a time-out of Python's own, each read and write would
    ask first whether it may, and give the interpreter away for that.
    """

    def __init__(self, pool: redis.ConnectionPool) -> None:
        """Raises what redis-py raises where it cannot connect."""
        settings = pool.connection_kwargs
        self._library = pool.connection_class(**settings)
        self._library.connect_check_health(check_health=False)
        self._socket: socket.socket = self._library._sock
        self._reader = self._library._parser._reader
        self._idle_s = settings["health_check_interval"]
        self._used_s = time.monotonic()
        self.limit(settings["socket_timeout"])

    def limit(self, seconds: float) -> None:
        """Limit how long a read or a write may wait. TLS may need several, so Python keeps the time there."""
        if type(self._socket) is not socket.socket:
            self._socket.settimeout(seconds)
            return
        whole = int(seconds)
        time_value = struct.pack("@ll", whole, int((seconds - whole) * 1e6))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, time_value)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, time_value)
        self._socket.settimeout(None)

    def ask(self, packed: bytes, count: int) -> list[Any]:
        """Return the answers to so many commands, errors among them. Raises OSError."""
        now_s = time.monotonic()
        if now_s - self._used_s > self._idle_s:
            self._exchange(PING, 1)  # nobody may have told that the way is gone
        self._used_s = now_s
        return self._exchange(packed, count)

    def close(self) -> None:
        self._library.disconnect()

    def _exchange(self, packed: bytes, count: int) -> list[Any]:
        self._socket.sendall(packed)
        return [self._answer() for _ in range(count)]

    def _answer(self) -> Any:
        answer = self._reader.gets()
        while answer is NOT_ENOUGH_DATA:
            data = self._socket.recv(READ_BYTES)
            if not data:
                raise ConnectionResetError
            self._reader.feed(data)
            answer = self._reader.gets()
        return answer
