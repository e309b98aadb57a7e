"""What a kill -9 may cost with each fsync policy, and what the careful one costs the callback."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.cluster import Site
from tests.faults.conftest import Sheet
from tests.faults.load import Load
from tests.faults.rows import covers
from tests.faults.test_stores import AGENTS, Writers, bench_on, check_of
from tests.faults.test_stores import own_redis as own_redis
from tests.servers import PrivateRedis
from tests.sessions.conftest import Bench
from tests.support import wait_until

ROUNDS = 5
PUSHES = 400
FILLER_BYTES = 200 * 1024 * 1024
WRITERS = 3
HELD_BACK_S = 3.0
"""Redis holds writes back for two seconds at most while a sync is under way; one more for its kill."""


@covers(2, long=True)
def test_a_killed_redis_loses_nothing_acknowledged_with_always(
    own_redis: PrivateRedis, tmp_path: Path, sheet: Sheet
) -> None:
    writers, _ = killed_on_a_busy_disk(own_redis, tmp_path)
    assert writers.missing() == []
    sheet.figures |= {"lost": "0", "doubled": "0"}
    sheet.held(f"busy disk, always: {writers.count()} acknowledged, all there")


@covers(2, long=True)
def test_a_killed_redis_with_everysec_loses_at_most_what_waited_for_a_busy_disk(
    careless_redis: PrivateRedis, tmp_path: Path, sheet: Sheet
) -> None:
    writers, kills = killed_on_a_busy_disk(careless_redis, tmp_path)
    lost = writers.missing()
    for text in lost:
        assert any(0 <= killed - writers.at[text] < HELD_BACK_S for killed in kills), text
    sheet.held(f"busy disk, everysec: {writers.count()} acknowledged, {len(lost)} lost")


@pytest.fixture
def careless_redis(tmp_path: Path) -> Iterator[PrivateRedis]:
    server = PrivateRedis(tmp_path / "careless")
    server.start()
    yield server
    server.stop()


def killed_on_a_busy_disk(redis: PrivateRedis, folder: Path) -> tuple[Writers, list[float]]:
    """Who wrote, and when Redis was killed: soon after it had started, as it is about to sync then."""
    writers, kills = Writers(bench_on(redis.url), 8), list[float]()
    with busy_disk(folder):
        writers.start()
        for _ in range(ROUNDS):
            count = writers.count()
            wait_until(lambda c=count: writers.count() > c + 50, 60)
            kills.append(time.monotonic())
            redis.restart()
        count = writers.count()
        wait_until(lambda: writers.count() > count, 60)
        writers.stop()
    assert check_of(writers.bench).problems() == []
    return writers, kills


@contextmanager
def busy_disk(folder: Path) -> Iterator[None]:
    """Others write and sync on the same disk all the time."""
    over, content = threading.Event(), bytes(FILLER_BYTES)
    synced = threading.Barrier(WRITERS + 1)

    def write(name: str) -> None:
        first = True
        while first or not over.is_set():
            with (folder / name).open("wb", buffering=0) as file:
                file.write(content)
                os.fsync(file.fileno())
            if first:
                synced.wait()
            first = False

    threads = [threading.Thread(target=write, args=(f"filler{n}",)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    synced.wait()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


@covers(2, long=True)
def test_what_always_costs_a_push_beside_everysec(own_redis: PrivateRedis, sheet: Sheet) -> None:
    bench = bench_on(own_redis.url)
    client = bench.scripts.client
    for n in range(20):
        bench.arrive(bench.push(f"o{n}"), AGENTS)
    rates: dict[str, list[float]] = {"everysec": [], "always": []}
    alone: dict[str, list[float]] = {"everysec": [], "always": []}
    for _ in range(ROUNDS):
        for policy in rates:
            client.config_set("appendfsync", policy)
            rates[policy].append(_rate(bench))
            alone[policy].append(_alone_ms(bench))
    rate = {policy: statistics.median(found) for policy, found in rates.items()}
    ms = {policy: statistics.median(found) for policy, found in alone.items()}
    sheet.held(
        f"a push to the store takes {ms['everysec']:.2f} ms with everysec and {ms['always']:.2f} ms with "
        f"always; 8 at once make {rate['everysec']:.0f} and {rate['always']:.0f} a second "
        f"(ratio {rate['always'] / rate['everysec']:.2f})"
    )
    assert rate["always"] > 100


def _rate(bench: Bench) -> float:
    pushes = [bench.push(f"o{n % 20}") for n in range(PUSHES)]
    began = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda push: bench.arrive(push, AGENTS), pushes))
    return PUSHES / (time.perf_counter() - began)


def _alone_ms(bench: Bench) -> float:
    spent = []
    for n in range(50):
        push = bench.push(f"o{n % 20}")
        began = time.perf_counter()
        bench.arrive(push, AGENTS)
        spent.append(time.perf_counter() - began)
    return 1000 * statistics.median(spent)


@covers(2, long=True)
def test_what_always_costs_the_callback_beside_everysec(
    site: Site, load: Load, sheet: Sheet
) -> None:
    client = site.client()
    openids = load.crowd(16)
    load.rush(openids)
    spent: dict[str, list[float]] = {"everysec": [], "always": []}
    rates: dict[str, list[float]] = {"everysec": [], "always": []}
    for _ in range(ROUNDS):
        for policy in spent:
            client.config_set("appendfsync", policy)
            began = time.perf_counter()
            pushes = load.rush(openids, each=5)
            rates[policy].append(len(pushes) / (time.perf_counter() - began))
            spent[policy] += [1000 * push.seconds for push in pushes]
    ms = {policy: statistics.median(found) for policy, found in spent.items()}
    slow = {policy: statistics.quantiles(found, n=100)[98] for policy, found in spent.items()}
    rate = {policy: statistics.median(found) for policy, found in rates.items()}
    sheet.held(
        f"callback {ms['everysec']:.1f} ms (p99 {slow['everysec']:.0f}) with everysec, "
        f"{ms['always']:.1f} ms (p99 {slow['always']:.0f}) with always; "
        f"ratio of pushes a second {rate['always'] / rate['everysec']:.2f}"
    )
    assert rate["always"] > 0.3 * rate["everysec"]
