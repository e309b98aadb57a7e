"""Nodes killed, stopped, frozen and replaced while customers write and agents answer."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.e2e.world import Node
from tests.faults.cluster import Site
from tests.faults.conftest import Sheet, proof
from tests.faults.load import Load
from tests.faults.rows import covers
from tests.support import wait_until

# Whole installations with their own time limits: they need a quiet machine.
pytestmark = pytest.mark.faults_long

ENV = {"KF_PRESENCE_GRACE_S": "20"}
PUSHED = '"event":"push"'


def session_pids(node: Node) -> list[int]:
    """Every process of the node."""
    assert node.process is not None
    leader = node.process.pid
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.getsid(int(name)) == leader:
                    found.append(int(name))
            except ProcessLookupError:
                continue
    return found


def freeze(node: Node) -> None:
    for pid in session_pids(node):
        os.kill(pid, signal.SIGSTOP)


def thaw(node: Node) -> None:
    for pid in session_pids(node):
        os.kill(pid, signal.SIGCONT)


@covers(23)
@pytest.mark.parametrize("agents", [10, pytest.param(50, marks=pytest.mark.faults_long)])
def test_a_killed_nodes_agents_go_on_at_the_other_and_keep_their_customers(
    site: Site, load: Load, sheet: Sheet, agents: int
) -> None:
    east, west = site.nodes
    workers = load.staff(agents, [east.url, west.url])
    openids = load.crowd(2 * agents)
    load.again_s = 1.0
    load.rush(openids)
    before = {s["openid"]: w.kf_account for w in workers for s in w.mine()}
    assert set(before) == set(openids)
    east.kill9()
    began = time.monotonic()
    load.rush(openids)
    wait_until(lambda: all(worker.connects > 1 for worker in workers), 30)
    sheet.recovered(time.monotonic() - began)
    load.rush(openids)
    after = {s["openid"]: w.kf_account for w in workers for s in w.mine()}
    assert after == before
    proof(load, sheet)
    for worker in workers:
        mine = [p for p in load.history.pushes if before[p.openid] == worker.kf_account]
        held = {p.text for p in mine if p.answered}
        wait_until(lambda h=held, w=worker: h <= set(w.texts()))
    sheet.held(f"{agents} agents: every customer kept his agent, every desk heard everything")


@covers(24)
def test_a_stopped_node_drains_behind_nginx_without_one_failed_request(
    site: Site, load: Load, sheet: Sheet
) -> None:
    east, west = site.nodes
    load.staff(6, [east.url, west.url])
    through_nginx(site, load)
    load.in_background(load.crowd(6), pause_s=0.3)
    wait_until(lambda: len(load.history.pushes) > 30, 20)
    began = time.monotonic()
    east.ask_to_stop()
    assert east.process is not None
    east.process.wait(30)
    drained = time.monotonic() - began
    count = len(load.history.pushes)
    wait_until(lambda: len(load.history.pushes) > count + 30, 20)
    proof(load, sheet)
    failed = [push for push in load.history.pushes if push.tries != 1]
    assert failed == []
    assert not [file for file, text in site.logs().items() if "signature=" in text]
    assert drained < 10
    sheet.recovered(drained)
    sheet.held(f"{len(load.history.pushes)} pushes, none failed")


@covers(26, long=True)
@pytest.mark.timeout(300)
def test_all_nodes_are_replaced_one_after_another_under_load(
    site: Site, load: Load, sheet: Sheet
) -> None:
    load.staff(6)
    through_nginx(site, load)
    load.in_background(load.crowd(8), pause_s=0.3)
    for node in site.nodes * 2:
        node.stop()
        before = node.log().count(PUSHED)
        node.start()
        # The proxy leaves a node that was away alone for its fail_timeout.
        wait_until(lambda node=node, n=before: node.log().count(PUSHED) > n, 30)
    proof(load, sheet)
    again = [push for push in load.history.pushes if push.tries != 1]
    assert again == []
    sheet.held(f"{len(load.history.pushes)} pushes, none failed")


@covers(25, long=True)
def test_a_node_frozen_for_thirty_seconds_does_no_harm_when_it_wakes(
    site: Site, load: Load, sheet: Sheet
) -> None:
    east, west = site.nodes
    load.staff(4, [east.url, west.url])
    openids = load.crowd(6)
    load.again_s = 1.0
    load.rush(openids)
    freeze(east)
    try:
        load.in_background(openids[:3], pause_s=0.3)
        time.sleep(30)
    finally:
        thaw(east)
    load.quiet()
    wait_until(east.is_ready, 20)
    load.rush(openids)
    proof(load, sheet)
    sheet.held("its late writes were refused or repeated harmlessly")


def through_nginx(site: Site, load: Load) -> None:
    """Pushes go to the proxy, as WeChat's do."""
    front = Node.__new__(Node)
    front.__dict__ = dict(site.nodes[0].__dict__)
    front.url = site.nginx.url
    load.nodes = [front]
