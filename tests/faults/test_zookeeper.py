"""ZooKeeper away, frozen or without its leader while customers write: routing goes on by the leases."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import requests

from tests.conftest import need
from tests.faults.cluster import Ensemble, Site
from tests.faults.conftest import Sheet, proof
from tests.faults.load import Load
from tests.faults.rows import covers
from tests.servers import PrivateZooKeeper, zookeeper_missing
from tests.support import wait_until


@pytest.fixture(autouse=True)
def healed(site: Site) -> Iterator[None]:
    yield
    site.heal()


def owners(load: Load) -> dict[str, str]:
    return {s["openid"]: w.kf_account for w in load.workers for s in w.mine()}


@covers(17)
def test_a_short_silence_of_zookeeper_moves_nobody(site: Site, load: Load, sheet: Sheet) -> None:
    load.staff(3)
    openids = load.crowd(6)
    load.rush(openids)
    before = owners(load)
    site.zookeeper_door.hang()
    time.sleep(1)  # the silence itself is what is tested
    site.zookeeper_door.flow()
    load.rush(openids)
    assert owners(load) == before
    proof(load, sheet)
    sheet.held("nobody moved")


@covers(18, long=True)
def test_a_long_silence_of_zookeeper_leaves_routing_to_the_leases(
    site: Site, load: Load, sheet: Sheet
) -> None:
    load.staff(3)
    openids = load.crowd(6)
    load.rush(openids)
    before = owners(load)
    site.zookeeper_door.hang()
    time.sleep(14)  # longer than a session of 10 s
    load.rush([*openids, *load.crowd(4)])
    assert {o: kf for o, kf in owners(load).items() if o in before} == before
    state = requests.get(f"{site.nodes[0].url}/readyz", timeout=5)
    assert state.status_code == 200
    site.zookeeper_door.reset()
    site.zookeeper_door.flow()
    began = time.monotonic()
    wait_until(lambda: presence(site) == {"connected"}, 60)
    sheet.recovered(time.monotonic() - began)
    proof(load, sheet)
    sheet.held("new customers were seated meanwhile, nobody moved")


def presence(site: Site) -> set[str]:
    found = set()
    for node in site.nodes:
        data = requests.get(f"{node.url}/readyz", timeout=5).json()["data"]
        found |= set(data["presence"].values())
    return found


@covers(19, long=True)
def test_nodes_start_without_zookeeper_serve_and_join_it_later(
    site: Site, load: Load, sheet: Sheet
) -> None:
    east = site.nodes[0]
    east.stop()
    site.zookeeper_door.down()
    began = time.monotonic()
    east.start()
    started = time.monotonic() - began
    assert "connected" not in requests.get(f"{east.url}/readyz", timeout=5).text
    load.staff(2, [east.url])
    openids = load.crowd(4)
    load.rush(openids)
    assert set(owners(load)) == set(openids)
    site.zookeeper_door.up()
    began = time.monotonic()
    wait_until(lambda: presence(site) == {"connected"}, 60)
    sheet.recovered(time.monotonic() - began)
    proof(load, sheet)
    sheet.held(f"started in {started:.0f} s and served by the leases")


@covers(18, long=True)
def test_an_ensemble_that_loses_its_leader_moves_nobody(
    tmp_path_factory: pytest.TempPathFactory, zookeeper_server: PrivateZooKeeper, sheet: Sheet
) -> None:
    need(zookeeper_missing())
    ensemble = Ensemble(tmp_path_factory.mktemp("ensemble"))
    ensemble.start()
    folder = tmp_path_factory.mktemp("three")
    made = Site(folder, zookeeper_server.port, ("one", "two"), KF_ZOOKEEPER_HOSTS=ensemble.hosts)
    try:
        load = Load(made.start())
        load.staff(3)
        openids = load.crowd(6)
        load.rush(openids)
        before = owners(load)
        ensemble.leader().kill9()
        began = time.monotonic()
        load.rush(openids)
        wait_until(lambda: presence(made) == {"connected"}, 60)
        sheet.recovered(time.monotonic() - began)
        load.rush(openids)
        assert owners(load) == before
        proof(load, sheet)
        sheet.held("three servers, leader killed")
        load.leave()
    finally:
        made.stop()
        ensemble.stop()
