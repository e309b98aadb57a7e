"""Redis round trips of one message: writes to a socket of Redis, counted while the use case runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from redis.connection import AbstractConnection

from bench.inside import inside
from bench.rows import Row, markdown
from sessions.store.connection import Direct

WRITES = ((Direct, "ask"), (AbstractConnection, "send_packed_command"))
"""Everything that asks Redis something passes one of these."""

OF_THE_CONNECTION = {"check_health": False}
"""Its opening, and the look whether it still is one after it lay idle: no part of any message."""


def counted(call: Callable[[], object]) -> int:
    """Round trips that ``call`` makes in this thread: one for a command, a script or a pipeline."""
    mine, sends = threading.get_ident(), list[int]()

    def spied(write: Callable[..., Any]) -> Callable[..., Any]:
        def spy(*args: Any, **more: Any) -> Any:
            if threading.get_ident() == mine and more != OF_THE_CONNECTION:
                sends.append(1)
            return write(*args, **more)

        return spy

    with ExitStack() as stack:
        for owner, name in WRITES:
            stack.enter_context(patch.object(owner, name, spied(getattr(owner, name))))
        call()
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
