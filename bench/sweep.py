"""A sweep over 100,000 open conversations with 1,000 due, and the pushes that arrive meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from app.conversations import sweeps
from bench.inside import Inside, inside
from bench.lab import median, quantile
from bench.rows import Row, markdown, within
from tests.support import wait_until

OPEN, DUE, AGENTS, SWEEPS = 100_000, 1_000, 100, 9
CALM_S = 1.0
PAUSE_S = 0.002
REST_S = 60


def rows() -> list[Row]:
    with inside(KF_QUEUE_MAX="1000000") as office:
        office.staff(AGENTS, 1000)
        office.open_many(range(OPEN))
        _rewritten(office)
        calm, busy, took = list[float](), list[float](), list[float]()
        for _ in range(SWEEPS):
            _make_due(office)
            wait_until(lambda: _at_rest(office), REST_S)
            calm.append(_p99(office, lambda: time.sleep(CALM_S)))
            busy.append(_p99(office, lambda: took.append(_sweep(office))))
    ratio = median(busy) / median(calm)
    shown = f"{median(calm):.1f} → {median(busy):.1f} ms"
    return [
        within("sweep over 100,000 open, 1,000 due", median(took), 1, "s", 2),
        Row("callbacks' p99 during the sweep", shown, "≤ 2 ×", ratio <= 2, ratio=f"{ratio:.2f}"),
    ]


def _rewritten(office: Inside) -> None:
    """As with a node that has run for a day, not with one that got 100,000 conversations within seconds."""
    office.redis.bgrewriteaof()
    wait_until(lambda: not office.redis.info("persistence")["aof_rewrite_in_progress"], REST_S)


def _at_rest(office: Inside) -> bool:
    """The notices of the sweep before are sent, its conversations archived."""
    return office.account.outbox.next_due_ms() is None and not office.account.reading.closed(1)


def _make_due(office: Inside) -> None:
    """As if nobody had written for long in the first conversations."""
    keys, pipe = office.account.store.keys, office.redis.pipeline(transaction=False)
    for sid in office.redis.zrange(keys.of("live"), 0, DUE - 1):
        pipe.hset(keys.of("session", sid), "last_active_ms", 1)
        pipe.zadd(keys.of("timers"), {f"{sid}:idle": 1})
    pipe.execute()


def _sweep(office: Inside) -> float:
    _, now_ms = office.account.store.customer("")
    began = time.perf_counter()
    fired = sweeps.run_timers(office.account, now_ms)
    took = time.perf_counter() - began
    assert fired == DUE, fired
    return took


def _p99(office: Inside, during: Callable[[], object]) -> float:
    """Of the pushes that arrive while ``during`` runs, ms."""
    over, took = threading.Event(), list[float]()

    def customer() -> None:
        user = OPEN - 1
        while not over.is_set():
            began = time.perf_counter()
            office.says(user)
            took.append((time.perf_counter() - began) * 1000)
            user -= 1
            time.sleep(PAUSE_S)

    thread = threading.Thread(target=customer)
    thread.start()
    during()
    over.set()
    thread.join()
    return quantile(took, 0.99)


if __name__ == "__main__":
    print(markdown(rows()))
