"""Two nodes on one Redis and ZooKeeper, against one of them; the system places them all.

With two cores the generator and Redis have none of their own, so that two nodes share what one alone had.
Nodes kept to a share of a core of their own show what a second one brings where there is room for it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench import callback, desk, load, pushes
from bench.cpu_share import CannotLimit, kept_to
from bench.lab import CORES, BenchNode, median, pin
from bench.rows import FLAT, Row, against, markdown
from tests.e2e.world import Credentials, Platform
from tests.servers import PrivateRedis, PrivateZooKeeper

ROUNDS = 3
SHARE = 0.25


class Anywhere(BenchNode):
    """Not pinned."""

    cores = CORES


@dataclass(frozen=True, slots=True)
class Busy:
    """Pushes a second, and what each cost the nodes."""

    rate: float
    cpu_us: float


def rows() -> list[Row]:
    os.sched_setaffinity(0, CORES)
    with _two_nodes() as nodes:
        desk.staff(nodes[0], callback.AGENTS, callback.SEATS)
        found = _rows("two nodes", "one node", *_measure(nodes))
        with contextlib.suppress(CannotLimit), contextlib.ExitStack() as limits:
            for node, core in zip(nodes, itertools.cycle(CORES), strict=False):
                pin(node.worker_pid(), core)
                limits.enter_context(kept_to(SHARE, node.worker_pid()))
            of = f"of {SHARE:g} core"
            found += _rows(f"two nodes {of}", f"one node {of}", *_measure(nodes))
    return found


def _rows(two_nodes: str, one_node: str, one: list[Busy], two: list[Busy]) -> list[Row]:
    alone, both = (median([busy.cpu_us for busy in rounds]) for rounds in (one, two))
    shown = f"{alone:.0f} → {both:.0f} µs"
    ratio = median([b.cpu_us / a.cpu_us for a, b in zip(one, two, strict=True)])
    return [
        against(two_nodes, [b.rate for b in two], one_node, [a.rate for a in one], 1.8),
        Row(f"{two_nodes}, CPU a push", shown, "≤ 1.15 ×", ratio <= FLAT, ratio=f"{ratio:.2f}"),
    ]


@contextlib.contextmanager
def _two_nodes() -> Iterator[list[BenchNode]]:
    of = Credentials()
    with tempfile.TemporaryDirectory(prefix="kfbench-") as name, contextlib.ExitStack() as stack:
        folder, platform = Path(name), Platform(of)
        stack.callback(platform.stop)
        redis, zookeeper = PrivateRedis(folder / "redis"), PrivateZooKeeper(folder / "zookeeper")
        for server in (redis, zookeeper):
            stack.callback(server.stop)
            server.start()
        shared = {
            "KF_REDIS_URL": redis.url,
            "KF_ZOOKEEPER_HOSTS": zookeeper.hosts,
            "KF_DATABASE_URL": f"sqlite:///{folder}/kfring.db",
        }
        nodes = [Anywhere(folder / f"n{n}", of, platform, **shared) for n in range(2)]
        for node in nodes:
            stack.callback(node.stop)
            node.start()
        yield list(nodes)


def _measure(nodes: Sequence[BenchNode]) -> tuple[list[Busy], list[Busy]]:
    """One of them, and both, in some rounds."""
    one, two = list[Busy](), list[Busy]()
    for _ in range(ROUNDS):
        one.append(_busy(nodes[:1]))
        two.append(_busy(nodes))
    return one, two


def _busy(nodes: Sequence[BenchNode]) -> Busy:
    before = sum(node.cpu_s() for node in nodes)
    rate, pushed = _load(nodes)
    return Busy(rate, (sum(node.cpu_s() for node in nodes) - before) / pushed * 1e6)


def _load(nodes: Sequence[BenchNode]) -> tuple[float, int]:
    """(Pushes a second, pushes)."""
    maker = pushes.Maker(nodes[0].credentials)
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
