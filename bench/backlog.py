"""How late timers are with 100,000 open conversations unanswered, for ten minutes, default settings."""

from __future__ import annotations

import time

from bench import customers, desk
from bench.lab import node
from bench.platform import taker
from bench.rows import Row, within
from bench.sweep import AGENTS, DUE, OPEN, SEATS, Swept

MINUTES = 10
LOOK_S = 0.5


def rows() -> list[Row]:
    """Closings fall due each minute beside the reminders, so that both are measured."""
    with taker() as platform, node(KF_WECHAT_API_BASE=platform) as made:
        desk.staff(made, AGENTS, SEATS)
        customers.open_many(made, range(OPEN))
        store = Swept(made)
        oldest, slowest = (
            max(times) for times in zip(*map(_minute, [store] * MINUTES), strict=True)
        )
    what = f"{OPEN:,} open, all unanswered, {MINUTES} min"
    return [
        within(f"{what}: oldest due timer", oldest, 10, "s late"),
        within(f"{what}: {DUE:,} closings, until done", slowest, 10, "s"),
    ]


def _minute(store: Swept) -> tuple[float, float]:
    """Return the age of the oldest due timer and the time that the closings of this minute took, s."""
    before, began = store.make_due(), time.monotonic()
    oldest, took = 0.0, 60.0
    while (passed := time.monotonic() - began) < 60:
        oldest = max(oldest, _oldest_due_s(store))
        if store.open() <= before - DUE:
            took = min(took, passed)
        time.sleep(LOOK_S)
    return oldest, took


def _oldest_due_s(store: Swept) -> float:
    """Return how long the timer that has been due longest has waited, s; 0 without one."""
    found = store.redis.zrange(store.keys.of("timers"), 0, 0, withscores=True)
    now_s, now_us = store.redis.time()
    due_ms = found[0][1] if found else float("inf")
    return max(0.0, (now_s * 1000 + now_us / 1000 - due_ms) / 1000)
