"""Redis killed, frozen, slow, full or without its scripts while customers write."""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.faults.cluster import Site
from tests.faults.conftest import Sheet, proof
from tests.faults.history import Push
from tests.faults.load import Load
from tests.faults.rows import covers
from tests.support import wait_until

CALLBACK_LIMIT_S = 2.5
PLATFORM_WAITS_S = 5.0


def refused_in_time(pushes: Sequence[Push]) -> float:
    """Hold most to the node's own limit and each to the platform's patience; the slowest's seconds."""
    assert statistics.median(push.seconds for push in pushes) < CALLBACK_LIMIT_S
    slowest = max(push.seconds for push in pushes)
    assert slowest < PLATFORM_WAITS_S
    return slowest


@pytest.fixture(autouse=True)
def healed(site: Site) -> Iterator[None]:
    yield
    site.heal()


@covers(2)
def test_redis_killed_under_load_loses_nothing_that_was_answered(
    site: Site, load: Load, sheet: Sheet
) -> None:
    load.staff(4)
    load.again_s = 1.5
    load.in_background(load.crowd(12), pause_s=0.02)
    wait_until(lambda: len(load.history.pushes) > 60, 30)
    site.redis.kill9()
    time.sleep(0.5)  # some pushes must meet nobody
    began = time.monotonic()
    site.redis.start()
    sheet.recovered(time.monotonic() - began + site.recovery())
    before = len(load.history.pushes)
    wait_until(lambda: len(load.history.pushes) > before + 60, 30)
    proof(load, sheet)
    again = sum(push.tries > 1 for push in load.history.pushes)
    assert again, "no push met the outage"
    sheet.held(f"{len(load.history.pushes)} pushes, {again} delivered more than once")


@covers(3)
def test_answers_cut_after_the_script_ran_leave_one_effect(
    site: Site, load: Load, sheet: Sheet
) -> None:
    load.staff(2)
    load.again_s = 0.2
    openids = load.crowd(8)
    for openid in openids:
        site.redis_door.cut_reply(openid.encode(), times=3)
    load.rush(openids, each=3)
    assert site.redis_door.cuts >= len(openids)
    proof(load, sheet)
    sheet.held(f"{site.redis_door.cuts} replies cut")


@covers(4)
def test_a_frozen_redis_is_answered_503_in_time_and_forgotten_afterwards(
    site: Site, load: Load, sheet: Sheet
) -> None:
    load.staff(2)
    openids = load.crowd(20)
    load.rush(openids)
    site.redis.freeze()
    threading.Timer(8, site.redis.thaw).start()
    load.tries = 1
    with ThreadPoolExecutor(40) as pool:
        pushes = list(pool.map(load.says, openids * 2))
    assert not any(push.answered for push in pushes)
    slowest = refused_in_time(pushes)
    wait_until(lambda: load.says(openids[0]).answered, 20)
    sheet.recovered(site.recovery())
    load.tries = 3
    load.rush(openids)
    proof(load, sheet)
    sheet.held(f"503 within {slowest:.1f} s")


@covers(5)
def test_a_slow_redis_slows_down_and_fails_nothing(site: Site, load: Load, sheet: Sheet) -> None:
    load.staff(2)
    openids = load.crowd(10)
    load.rush(openids)
    site.redis_door.latency(0.2)
    pushes = load.rush(openids, each=5, threads=5)
    assert all(push.answered and push.tries == 1 for push in pushes)
    assert statistics.median(push.seconds for push in pushes) < 1.5
    assert all(node.is_ready() for node in site.nodes)
    site.redis_door.latency(0)
    proof(load, sheet)
    sheet.held(f"slowest callback {max(push.seconds for push in pushes):.2f} s")


@covers(6)
def test_flushed_scripts_are_sent_again_without_an_error(
    site: Site, load: Load, sheet: Sheet
) -> None:
    load.staff(2)
    openids = load.crowd(6)
    client, stop = site.client(), threading.Event()

    def flush() -> None:
        while not stop.wait(0.05):
            client.script_flush()

    flusher = threading.Thread(target=flush, daemon=True)
    flusher.start()
    pushes = load.rush(openids, each=5)
    stop.set()
    flusher.join()
    assert all(push.tries == 1 for push in pushes)
    proof(load, sheet)
    sheet.held(f"{len(pushes)} pushes, no error")


@covers(8)
def test_out_of_memory_refuses_new_messages_and_still_lets_conversations_end(
    site: Site, load: Load, sheet: Sheet
) -> None:
    (worker,) = load.staff(1)
    seated, waiting = load.crowd(5), load.crowd(1)
    load.rush(seated)
    load.rush(waiting)
    wait_until(lambda: len(worker.mine()) == 5)
    wait_until(load.settled, 20)
    client, admin = site.client(), site.admin()
    client.config_set("maxmemory", "1mb")
    try:
        load.tries = 1
        refused = load.says(load.crowd(1)[0])
        assert not refused.answered and refused.seconds < PLATFORM_WAITS_S
        waits = admin.get("/sessions", state="WAITING", limit=100)
        ended = [s for s in waits if s["openid"] in waiting] + worker.mine()[:1]
        for session in ended:
            answer = admin.call(
                "POST", f"/sessions/{session['id']}/close", json={"reason": "supervisor"}
            )
            assert answer.ok, answer.text
    finally:
        client.config_set("maxmemory", "0")
    load.tries = 3
    load.rush(load.crowd(3))
    proof(load, sheet)
    sheet.held("new 503, closing works")


@covers(9)
def test_an_endless_script_is_met_by_a_quick_refusal_and_killed(
    site: Site, load: Load, sheet: Sheet
) -> None:
    load.staff(1)
    (openid,) = load.crowd(1)
    load.says(openid)

    def loop() -> None:
        with pytest.raises(RedisError):
            Redis(port=site.redis.port, retry=None).eval("while true do end", 0)

    endless = threading.Thread(target=loop, daemon=True)
    endless.start()
    load.tries = 1
    pushes = []
    began = time.monotonic()
    for _ in itertools.takewhile(lambda _: endless.is_alive(), range(60)):
        pushes.append(load.says(openid))
        time.sleep(0.1)
    sheet.recovered(time.monotonic() - began)
    assert not endless.is_alive(), "nobody killed the endless script"
    refused_in_time(pushes)
    load.tries = 3
    assert load.says(openid).answered
    proof(load, sheet)
    sheet.held(f"slowest refusal {max(p.seconds for p in pushes):.1f} s, script killed")
