"""Redis round trips of one message: writes to a socket of Redis, counted while the use case runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from redis.connection import AbstractConnection

from bench.inside import inside
from bench.rows import Row, markdown


def counted(call: Callable[[], object]) -> int:
    """Round trips that ``call`` makes in this thread: one for a command, a script or a pipeline."""
    mine, sends, send = threading.get_ident(), list[int](), AbstractConnection.send_packed_command

    def spy(self: AbstractConnection, *args: Any, **more: Any) -> Any:
        if threading.get_ident() == mine:
            sends.append(1)
        return send(self, *args, **more)

    AbstractConnection.send_packed_command = spy  # type: ignore[method-assign]
    try:
        call()
    finally:
        AbstractConnection.send_packed_command = send  # type: ignore[method-assign]
    return len(sends)


def rows() -> list[Row]:
    with inside() as office:
        office.staff(20, 5)
        office.says(0), office.says(1)
        opening = max(counted(lambda u=user: office.says(u)) for user in range(2, 40))
        following = max(counted(lambda u=user: office.says(u)) for user in range(2, 40))
    return [
        Row("Redis round trips, open conversation", str(following), "1", following == 1),
        Row("Redis round trips, opening one", str(opening), "≤ 3", opening <= 3),
    ]


if __name__ == "__main__":
    print(markdown(rows()))
