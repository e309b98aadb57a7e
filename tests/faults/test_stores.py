"""One account on a private Redis that is killed, filled, promoted or cut off in the middle of its steps."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path

import pytest
from redis import Redis

from sessions.model import SessionError, StoreDown, StoreRefused
from sessions.store.clients import POOL_WAIT_S, store_client
from sessions.store.scripts import Scripts
from sessions.upkeep.invariants import Invariants
from tests.conftest import need
from tests.e2e.world import ROOT
from tests.faults.conftest import Sheet
from tests.faults.groups import RedisCluster, Sentinels
from tests.faults.rows import covers
from tests.faults.toxic import Toxic
from tests.servers import PrivateRedis, redis_missing
from tests.sessions.conftest import DEADLINES, GROUP, OTHER_STORE, Bench
from tests.support import wait_until

AGENTS = ("a@x", "b@x", "c@x")
REPLICA_LAG_S = 1.0
"""Redis answers before its replica has a step; on a busy machine a crash takes what is on its way."""
CORE_S = 400
"""For all tests of the store, on a machine that is busy with others."""


@pytest.fixture
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRedis]:
    need(redis_missing())
    server = PrivateRedis(tmp_path_factory.mktemp("own"), "always")
    server.start()
    yield server
    server.stop()


def bench_on(url: str, seats: int = 5) -> Bench:
    scripts = Scripts(store_client(url, 32))
    made = Bench(scripts, "wx" + secrets.token_hex(8))
    for name in AGENTS:
        made.agent(name, seats=seats)
    return made


def check_of(bench: Bench) -> Invariants:
    return Invariants(bench.scripts, bench.appid, DEADLINES, 60_000)


class Writers:
    """Customers who each write one message after another; what was acknowledged, by customer."""

    def __init__(self, bench: Bench, number: int) -> None:
        self.bench = bench
        self.acknowledged: dict[str, list[str]] = {f"o{n}": [] for n in range(number)}
        self.at: dict[str, float] = {}
        self.failed = 0
        self.longest_s = 0.0
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=(openid,)) for openid in self.acknowledged
        ]

    def start(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def count(self) -> int:
        return sum(map(len, self.acknowledged.values()))

    def _write(self, openid: str) -> None:
        number, last = 0, time.monotonic()
        while not self._stop.is_set():
            text = f"{openid}-{number}"
            push = self.bench.push(openid, text)
            while not self._stop.is_set():
                try:
                    self.bench.arrive(push, AGENTS)
                except SessionError:
                    self.failed += 1
                    time.sleep(0.02)
                    continue
                self.acknowledged[openid].append(text)
                self.at[text] = time.monotonic()
                self.longest_s = max(self.longest_s, time.monotonic() - last)
                last = time.monotonic()
                break
            number += 1

    def missing(self) -> list[str]:
        """Acknowledged and not stored once, in order."""
        wrong = []
        for openid, texts in self.acknowledged.items():
            sid = self.bench.store.customer(openid)[0].open_session
            stored = self.bench.queries.messages(sid, 0, 100_000) if sid else []
            found = [m["text"] for m in stored if m["direction"] == "in"]
            there = set(found)
            wrong += [text for text in texts if text not in there]
            mine = set(texts)
            kept, wanted = [t for t in found if t in mine], [t for t in texts if t in there]
            if kept != wanted:
                differ = [len(set(pair)) > 1 for pair in zip_longest(kept, wanted)].index(True)
                near = slice(max(0, differ - 2), differ + 3)
                wrong.append(f"order of {openid}: {kept[near]} for {wanted[near]}")
        return wrong


@covers(1)
def test_a_redis_killed_in_mid_script_keeps_no_half_of_a_step(
    own_redis: PrivateRedis, sheet: Sheet
) -> None:
    bench = bench_on(own_redis.url)
    writers = Writers(bench, 8).start()
    slowest = 0.0
    for _ in range(5):
        count = writers.count()
        wait_until(lambda c=count: writers.count() > c + 50, 20)
        own_redis.kill9()
        began = time.monotonic()
        own_redis.start()
        count = writers.count()
        wait_until(lambda c=count: writers.count() > c, 20)
        slowest = max(slowest, time.monotonic() - began)
    writers.stop()
    assert writers.missing() == []
    assert check_of(bench).problems() == []
    sheet.recovered(slowest)
    sheet.figures |= {"lost": "0", "doubled": "0"}
    sheet.held(f"5 kills, {writers.count()} messages, no half step")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: a small file system can be mounted by root only")
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(small)], check=False
    )
    if mounted.returncode:
        pytest.skip("NOT TESTED: tmpfs cannot be mounted here")
    yield small
    subprocess.run(["umount", "-l", str(small)], check=False)


@covers(7, long=True)
@pytest.mark.parametrize("policy", ["everysec", "always"])
def test_a_full_disk_refuses_writes_and_loses_nothing_acknowledged(
    small_disk: Path, sheet: Sheet, policy: str
) -> None:
    """With everysec Redis serves again by itself; with always it ends and wants to be started."""
    server = PrivateRedis(small_disk / "redis", policy)
    server.start()
    bench = bench_on(server.url)
    writers = Writers(bench, 4).start()
    try:
        filler = small_disk / "filler"
        filler.write_bytes(b"x" * max(0, shutil.disk_usage(small_disk).free - 200_000))
        wait_until(lambda: writers.failed > 5, 30)
        with pytest.raises((StoreRefused, StoreDown)):
            wait_until(lambda: bench.arrive(bench.push("new", "no room"), AGENTS) and False, 10)
        assert server.alive() == (policy == "everysec")
        filler.unlink()
        began, count = time.monotonic(), writers.count()
        if not server.alive():
            server.start()
        wait_until(lambda: writers.count() > count + 20, 20)
        sheet.recovered(time.monotonic() - began)
        writers.stop()
        server.stop()
        server.start()
        assert writers.missing() == []
        assert check_of(bench).problems() == []
        sheet.figures |= {"lost": "0", "doubled": "0"}
        ended = (
            "resumed by itself" if policy == "everysec" else "Redis ended, resumed with its start"
        )
        sheet.held(f"{policy}: {writers.failed} refused, {ended}")
    finally:
        writers.stop()
        server.stop()


@covers(10, long=True)
def test_sentinel_fails_over_and_only_the_last_moment_may_be_missing(
    tmp_path: Path, sheet: Sheet
) -> None:
    group = Sentinels(tmp_path)
    group.start()
    try:
        bench = bench_on(group.url, seats=10)
        writers = Writers(bench, 6).start()
        wait_until(lambda: writers.count() > 200, 20)
        began = time.monotonic()
        group.kill_master()
        killed = time.monotonic()
        count = writers.count()
        wait_until(lambda: writers.count() > count + 100, 40)
        writers.stop()
        lost = writers.missing()
        findings = check_of(bench).problems()
        sheet.recovered(writers.longest_s)
        sheet.figures |= {"lost": str(len(lost)), "doubled": "0"}
        sheet.held(
            f"{writers.count()} messages, {len(lost)} not yet with the replica;"
            f" writes stood still {writers.longest_s:.1f} s"
        )
        assert findings == []
        for text in lost:
            assert abs(writers.at[text] - killed) < REPLICA_LAG_S, text
        assert time.monotonic() - began < 40
    finally:
        group.stop()


@covers(10, long=True)
@pytest.mark.timeout(CORE_S + 60)
def test_a_cluster_of_three_masters_serves_an_account_in_one_slot(
    tmp_path: Path, sheet: Sheet
) -> None:
    cluster = RedisCluster(tmp_path)
    cluster.start()
    try:
        for _ in range(3):
            bench = bench_on(cluster.url)
            writers = Writers(bench, 4).start()
            wait_until(lambda w=writers: w.count() > 100, 30)
            writers.stop()
            assert writers.missing() == []
            assert writers.failed == 0
            assert check_of(bench).problems() == []
        core = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/sessions"],
            cwd=ROOT,
            env=os.environ | {OTHER_STORE: cluster.url},
            capture_output=True,
            text=True,
            check=False,
            timeout=CORE_S,
        )
        assert core.returncode == 0, core.stdout[-2000:]
        sheet.held("cluster: three accounts on three masters, and the tests of the store")
    finally:
        cluster.stop()


@covers(11, long=True)
def test_a_stale_replica_promoted_lacks_the_last_messages_whole_and_takes_them_again(
    own_redis: PrivateRedis, tmp_path: Path, sheet: Sheet
) -> None:
    replica = PrivateRedis(tmp_path / "replica")
    replica.start()
    copy = Redis.from_url(replica.url, decode_responses=True)
    try:
        bench = bench_on(own_redis.url)
        first = [bench.push(f"o{n}", f"kept {n}") for n in range(10)]
        for push in first:
            bench.arrive(push, AGENTS)
        copy.replicaof("127.0.0.1", own_redis.port)
        wait_until(lambda: copy.info("replication")["master_link_status"] == "up", 20)
        copy.replicaof("no", "one")
        late = [bench.push(f"o{n}", f"late {n}") for n in range(5, 15)]
        for push in late:
            bench.arrive(push, AGENTS)
        own_redis.kill9()
        promoted = Bench(Scripts(store_client(replica.url, 8)), bench.appid)
        assert check_of(promoted).problems() == []
        outcomes = [promoted.arrive(push, AGENTS) for push in [*first, *late]]
        assert [o.repeated for o in outcomes] == [True] * 10 + [False] * 10
        assert check_of(promoted).problems() == []
        sheet.figures |= {"lost": "0", "doubled": "0"}
        sheet.held("what the replica lacked is accepted on redelivery; later than 15 s it is lost")
    finally:
        replica.stop()


@pytest.mark.faults_long  # its time limits need a quiet machine
@covers(12)
def test_an_exhausted_pool_waits_briefly_and_refuses(own_redis: PrivateRedis, sheet: Sheet) -> None:
    door = Toxic(own_redis.port)
    scripts = Scripts(store_client(f"redis://{door.address}/0", 4))
    bench = Bench(scripts, "wx" + secrets.token_hex(8))
    bench.arrive(bench.push("o0"))
    door.latency(0.3)

    def read(_: int) -> float:
        began = time.monotonic()
        try:
            bench.queries.live_count()
        except StoreDown:
            return time.monotonic() - began
        return 0.0

    with ThreadPoolExecutor(24) as pool:
        reads = [pool.submit(read, number) for number in range(12)]
        pushes = [bench.push(f"o{number}") for number in range(1, 13)]
        took = [pool.submit(bench.arrive, push) for push in pushes]
        refused = [s for s in (done.result() for done in reads) if s]
        stored = [done.result() for done in took]
    door.heal()
    assert refused and max(refused) < 2 * POOL_WAIT_S + 0.5
    assert len(stored) == len(pushes)
    bench.arrive(bench.push("o99"))
    door.down()
    sheet.held(
        f"{len(refused)} of 12 reads refused, the last after {max(refused):.1f} s; "
        "steps have connections of their own"
    )


@covers(35, long=True)
def test_ten_thousand_waiting_customers_cost_microseconds(
    own_redis: PrivateRedis, sheet: Sheet
) -> None:
    bench = bench_on(own_redis.url, seats=0)
    client = bench.scripts.client
    before = client.info("memory")["used_memory"]
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda n: bench.arrive(bench.push(f"o{n}"), (), queue_max=20_000), range(10_000)
            )
        )
    grown_mb = (client.info("memory")["used_memory"] - before) / 1e6
    waiting = bench.queries.waiting([GROUP], 20_000)
    assert len(waiting) == 10_000
    places = [_timed(lambda s=sid: bench.queries.rows([s])) for sid in waiting[::500]]
    bench.agent("d@x", seats=20)
    seated = _timed(lambda: bench.store.drain("d@x", [GROUP]))
    assert bench.seats.held("d@x") == set(waiting[:20])
    assert sorted(places)[len(places) // 2] < 0.005
    assert seated / 20 < 0.01
    assert grown_mb < 100
    sheet.held(
        f"place in {1000 * sorted(places)[len(places) // 2]:.1f} ms, "
        f"seat in {1000 * seated / 20:.1f} ms, {grown_mb:.0f} MB"
    )


def _timed(call: object) -> float:
    began = time.perf_counter()
    call()  # type: ignore[operator]
    return time.perf_counter() - began
