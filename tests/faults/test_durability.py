"""What a kill -9 may cost with each fsync policy, and what the careful one costs the callback."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.cluster import Site
from tests.faults.conftest import Sheet
from tests.faults.load import Load
from tests.faults.rows import covers
from tests.faults.test_stores import AGENTS, Writers, bench_on
from tests.faults.test_stores import own_redis as own_redis
from tests.servers import PrivateRedis
from tests.sessions.conftest import Bench
from tests.support import wait_until

ROUNDS = 5
PUSHES = 400


@covers(2, long=True)
@pytest.mark.parametrize("policy", ["everysec", "always"])
def test_a_killed_redis_loses_no_acknowledged_message_under_either_policy(
    own_redis: PrivateRedis, sheet: Sheet, policy: str
) -> None:
    bench = bench_on(own_redis.url)
    bench.scripts.client.config_set("appendfsync", policy)
    writers = Writers(bench, 8).start()
    wait_until(lambda: writers.count() > 2000, 60)
    own_redis.restart()
    writers.stop()
    assert writers.missing() == []
    sheet.figures |= {"lost": "0", "doubled": "0"}
    sheet.held(f"{policy}: {writers.count()} acknowledged, all there")


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
