"""Customers over HTTP: many who open a conversation, and some who write at a steady rate."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.lab import BenchNode
from bench.load import connect, post
from bench.pushes import Maker

OPENERS, WRITERS = 8, 4


@dataclass(frozen=True, slots=True)
class Answered:
    """When a push was sent and answered, seconds of ``time.perf_counter``."""

    sent: float
    answered: float

    @property
    def ms(self) -> float:
        return (self.answered - self.sent) * 1000


def open_many(made: BenchNode, users: range) -> None:
    """A first push of each."""

    def some(first: int) -> None:
        _write(made, users[first::OPENERS], [], threading.Event(), pause_s=0)

    with ThreadPoolExecutor(OPENERS) as pool:
        list(pool.map(some, range(OPENERS)))


@contextlib.contextmanager
def writing(made: BenchNode, users: range, rate: int) -> Iterator[list[Answered]]:
    """So many pushes a second until the block ends, each customer in turn; the list grows meanwhile."""
    seen, over = list[Answered](), threading.Event()

    def some(first: int) -> None:
        _write(made, users[first::WRITERS], seen, over, WRITERS / rate)

    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(some, first) for first in range(WRITERS)]
        try:
            yield seen
        finally:
            over.set()
    for writer in writers:
        writer.result()


def _write(
    made: BenchNode,
    users: Sequence[int],
    seen: list[Answered],
    over: threading.Event,
    pause_s: float,
) -> None:
    """A push of each over one connection, at times set from the start: late answers put off none."""
    maker = Maker(made.credentials)
    with connect(made.url) as to:
        began = time.perf_counter()
        for number, user in enumerate(users):
            line = maker.line(user)
            time.sleep(max(0.0, began + number * pause_s - time.perf_counter()))
            if over.is_set():
                return
            sent = time.perf_counter()
            assert post(to, line)
            seen.append(Answered(sent, time.perf_counter()))
