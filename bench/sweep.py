"""A sweep over 100,000 open conversations with 1,000 due, and the pushes that arrive meanwhile."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench import customers, desk
from bench.customers import Answered
from bench.lab import BenchNode, median, node, quantile
from bench.platform import taker
from bench.rows import Row, markdown, within
from sessions.store.clients import Redis
from sessions.store.keys import Keys, timer_member
from tests.support import wait_until

OPEN, DUE, SWEEPS = 100_000, 1_000, 15
IDLE_MS = 1_800_000
AGENTS, SEATS = 100, 1_000
RATE = 500
CALM_S = 2.0
REST_S = 60
LOOK_S = 0.01


@dataclass(frozen=True, slots=True)
class Round:
    """Waits of pushes, ms: before the sweep, during it, and until its closings were sent and archived."""

    took_s: float
    calm: list[float]
    during: list[float]
    after: list[float]


def rows() -> list[Row]:
    with taker() as platform, node(KF_WECHAT_API_BASE=platform) as made:
        desk.staff(made, AGENTS, SEATS)
        customers.open_many(made, range(OPEN))
        store = Swept(made)
        store.rewrite()
        rounds = [_round(made, store) for _ in range(SWEEPS)]
    calm, during, after = (
        quantile([ms for one in rounds for ms in getattr(one, part)], 0.99)
        for part in ("calm", "during", "after")
    )
    took = median([one.took_s for one in rounds])
    return [
        within(f"sweep over {OPEN:,} open, {DUE:,} due", took, 1, "s", 2),
        _times("callbacks' p99 during the sweep", calm, during, 2),
        _times("the same until its closings are sent and archived", calm, after, 4),
    ]


def _times(what: str, before: float, after: float, most: float) -> Row:
    ratio = after / before
    shown = f"{before:.1f} → {after:.1f} ms"
    return Row(what, shown, f"≤ {most:g} ×", ratio <= most, ratio=f"{ratio:.2f}")


def _round(made: BenchNode, store: Swept) -> Round:
    with customers.writing(made, range(OPEN // 2, OPEN), RATE) as seen:
        time.sleep(CALM_S)
        calm_until = time.perf_counter()
        began, ended = store.swept()
        wait_until(store.at_rest, REST_S, LOOK_S)
        rest = time.perf_counter()
    return Round(
        ended - began,
        [one.ms for one in seen if one.answered < calm_until],
        _between(seen, began, ended),
        _between(seen, ended, rest),
    )


def _between(seen: Sequence[Answered], began: float, ended: float) -> list[float]:
    return [one.ms for one in seen if one.answered > began and one.sent < ended]


class Swept:
    """The store of a node whose sweeps are watched from outside."""

    def __init__(self, made: BenchNode) -> None:
        self.redis: Redis = desk.redis_of(made)
        self.keys = Keys(made.credentials.appid)

    def rewrite(self) -> None:
        """As with a node that has run for a day, not one that got its conversations within a minute."""
        wait_until(self._not_rewriting, REST_S)
        self.redis.bgrewriteaof()
        wait_until(self._not_rewriting, REST_S)

    def swept(self) -> tuple[float, float]:
        """The oldest come due, and the node's next sweep closes them: when it began and ended."""
        before = self.make_due()
        wait_until(lambda: self.open() < before, REST_S, LOOK_S)
        began = time.perf_counter()
        wait_until(lambda: self.open() <= before - DUE, REST_S, LOOK_S)
        return began, time.perf_counter()

    def at_rest(self) -> bool:
        """Everything is sent and archived."""
        keys = self.keys
        return not self.redis.exists(keys.of("outbox_due"), keys.of("closed"))

    def make_due(self) -> int:
        """Make the oldest conversations idle for long enough to be closed. Returns how many are open."""
        sids = [str(sid) for sid in self.redis.zrange(self.keys.of("live"), 0, DUE - 1)]
        now_ms = self.redis.time()[0] * 1000
        pipe = self.redis.pipeline(transaction=False)
        for sid in sids:
            pipe.hset(self.keys.of("session", sid), "last_active_ms", now_ms - IDLE_MS)
        pipe.execute()
        before = self.open()
        self.redis.zadd(self.keys.of("timers"), {timer_member(sid, "idle"): now_ms for sid in sids})
        return before

    def open(self) -> int:
        return int(self.redis.zcard(self.keys.of("live")))

    def _not_rewriting(self) -> bool:
        return not self.redis.info("persistence")["aof_rewrite_in_progress"]


if __name__ == "__main__":
    print(markdown(rows()))
