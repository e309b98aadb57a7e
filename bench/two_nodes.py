"""Two nodes, each on a core of its own, on one Redis and ZooKeeper, against one of them.

The generator and Redis have no core left here: with two cores the ratio is a lower bound.
"""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench import callback, desk, load, pushes
from bench.lab import LOAD_CORE, BenchNode, median
from bench.rows import Row, against, markdown
from tests.e2e.world import Credentials, Platform
from tests.servers import PrivateRedis, PrivateZooKeeper

ROUNDS = 3


def rows() -> list[Row]:
    os.sched_setaffinity(0, {LOAD_CORE})
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
        nodes = [BenchNode(folder / f"n{n}", of, platform, **shared) for n in range(2)]
        nodes[1].core = LOAD_CORE
        try:
            for node in nodes:
                node.start()
            desk.staff(nodes[0], callback.AGENTS, callback.SEATS)
            one, two = _measure(nodes, of)
        finally:
            for node in nodes:
                node.stop()
            zookeeper.stop(), redis.stop(), platform.stop()
    return [against("two nodes", two, "one node", one, 1.8)]


def _measure(nodes: list[BenchNode], of: Credentials) -> tuple[float, float]:
    one, two = [], []
    for _ in range(ROUNDS):
        one.append(_rate(nodes[:1], of))
        two.append(_rate(nodes, of))
    return median(one), median(two)


def _rate(nodes: list[BenchNode], of: Credentials) -> float:
    maker = pushes.Maker(of)
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(len(nodes)) as pool:
        files = [Path(name) / str(number) for number in range(len(nodes))]
        for file in files:
            pushes.write(file, maker.many(callback.MADE // 2))
        loads = pool.map(
            lambda node, file: load.replay(node.url, file, callback.CONNECTIONS, callback.SECONDS),
            nodes,
            files,
        )
        return sum(seen.rate for seen in loads)


if __name__ == "__main__":
    print(markdown(rows()))
