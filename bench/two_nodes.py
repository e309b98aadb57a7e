"""Two nodes on one Redis and ZooKeeper, against one of them; the system places them all.

With two cores the generator and Redis have none of their own, so the ratio is a lower bound.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench import callback, desk, load, pushes
from bench.lab import CORES, BenchNode, median
from bench.rows import FLAT, Row, against, markdown
from tests.e2e.world import Credentials, Platform
from tests.servers import PrivateRedis, PrivateZooKeeper

ROUNDS = 3


class Anywhere(BenchNode):
    """Not pinned."""

    cores = CORES


def rows() -> list[Row]:
    os.sched_setaffinity(0, CORES)
    of = Credentials()
    platform = Platform(of)
    with tempfile.TemporaryDirectory(prefix="kfbench-") as name:
        folder = Path(name)
        redis, zookeeper = PrivateRedis(folder / "redis"), PrivateZooKeeper(folder / "zookeeper")
        redis.start(), zookeeper.start()
        shared = {
            "KF_REDIS_URL": redis.url,
            "KF_ZOOKEEPER_HOSTS": zookeeper.hosts,
            "KF_DATABASE_URL": f"sqlite:///{folder}/kfring.db",
        }
        nodes = [Anywhere(folder / f"n{n}", of, platform, **shared) for n in range(2)]
        try:
            for node in nodes:
                node.start()
            desk.staff(nodes[0], callback.AGENTS, callback.SEATS)
            one, two = _measure(nodes, of)
        finally:
            for node in nodes:
                node.stop()
            zookeeper.stop(), redis.stop(), platform.stop()
    shown = f"{one.cpu_us:.0f} → {two.cpu_us:.0f} µs"
    ratio = two.cpu_us / one.cpu_us
    return [
        against("two nodes", two.rate, "one node", one.rate, 1.8),
        Row("nodes' CPU a push, one → two", shown, "≤ 1.15 ×", ratio <= FLAT, ratio=f"{ratio:.2f}"),
    ]


@dataclass(frozen=True, slots=True)
class Busy:
    """Pushes a second, and what each cost the nodes."""

    rate: float
    cpu_us: float


def _measure(nodes: Sequence[BenchNode], of: Credentials) -> tuple[Busy, Busy]:
    one, two = list[Busy](), list[Busy]()
    for _ in range(ROUNDS):
        one.append(_busy(nodes[:1], of))
        two.append(_busy(nodes, of))
    return _middle(one), _middle(two)


def _middle(rounds: Sequence[Busy]) -> Busy:
    return Busy(median([r.rate for r in rounds]), median([r.cpu_us for r in rounds]))


def _busy(nodes: Sequence[BenchNode], of: Credentials) -> Busy:
    before = sum(node.cpu_s() for node in nodes)
    rate, pushed = _load(nodes, of)
    return Busy(rate, (sum(node.cpu_s() for node in nodes) - before) / pushed * 1e6)


def _load(nodes: Sequence[BenchNode], of: Credentials) -> tuple[float, int]:
    """(Pushes a second, pushes)."""
    maker = pushes.Maker(of)
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(len(nodes)) as pool:
        files = [Path(name) / str(number) for number in range(len(nodes))]
        for file in files:
            pushes.write(file, maker.many(callback.MADE // 2))
        loads = list(
            pool.map(
                lambda node, file: load.replay(
                    node.url, file, callback.CONNECTIONS, callback.SECONDS
                ),
                nodes,
                files,
            )
        )
        return sum(seen.rate for seen in loads), sum(seen.requests for seen in loads)


if __name__ == "__main__":
    print(markdown(rows()))
