"""Presence against a real ZooKeeper that is expired, frozen, killed, wiped and missing (reliability 2)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import NotEmptyError

from routing.presence.nodes import holder_of, name_of, path_of
from routing.presence.register import Register
from routing.presence.zookeeper import CLOSE_LIMIT_S, ZooKeeperHub
from tests.conftest import need
from tests.servers import PrivateZooKeeper, zookeeper_missing
from tests.support import free_port, wait_until

pytestmark = pytest.mark.zookeeper

ROOT = Path(__file__).resolve().parents[2]
SESSION_S = 2.0
BACK_S = 3.0  # an expired session must be made good within this
NO_WAIT_S = 8.0  # of a busy machine; each call that waited for a server would take a second or more
PATIENT_S = 30.0  # for what has no promise of its own; the machine may be busy

Hubs = Callable[..., ZooKeeperHub]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PrivateZooKeeper]:
    """A ZooKeeper of this test alone, to be frozen, killed and wiped."""
    need(zookeeper_missing())
    own = PrivateZooKeeper(tmp_path / "zookeeper")
    own.start()
    yield own
    own.stop()


@pytest.fixture
def hubs() -> Iterator[Hubs]:
    """Makes hubs that are closed after the test."""
    made: list[ZooKeeperHub] = []

    def make(hosts: str, node: str = "n1", reread_s: float = 30.0) -> ZooKeeperHub:
        made.append(ZooKeeperHub(hosts, node, timeout_s=SESSION_S, reread_s=reread_s))
        return made[-1]

    yield make
    for hub in made:
        hub.close()


@pytest.fixture
def operator(zookeeper_server: PrivateZooKeeper) -> Iterator[KazooClient]:
    """A client of somebody else on the shared server."""
    client = KazooClient(hosts=zookeeper_server.hosts, timeout=SESSION_S)
    client.start()
    yield client
    client.stop()
    client.close()


def sees(presence: Register, *agents: str, timeout: float = PATIENT_S) -> None:
    """Waits until exactly ``agents`` are present."""
    wait_until(lambda: presence.present() == frozenset(agents), timeout)


def expire(presence: Register, hub: ZooKeeperHub, hosts: str) -> None:
    """Ends the hub's session as the server does: a twin with the same id closes it."""
    assert hub._connection is not None
    twin = KazooClient(hosts=hosts, timeout=SESSION_S, client_id=hub._connection._client.client_id)
    twin.start()
    twin.stop()
    twin.close()


def test_an_announced_agent_is_seen_by_every_node_until_he_is_withdrawn(
    zookeeper_server: PrivateZooKeeper, appid: str, hubs: Hubs
) -> None:
    here = hubs(zookeeper_server.hosts, "n1").presence(appid)
    there = hubs(zookeeper_server.hosts, "n2").presence(appid)
    here.announce("amy@gh_demo")
    sees(here, "amy@gh_demo")
    sees(there, "amy@gh_demo")
    here.withdraw("amy@gh_demo")
    sees(here)
    sees(there)


def test_two_nodes_that_stand_for_the_same_agent_make_one_agent(
    zookeeper_server: PrivateZooKeeper, appid: str, hubs: Hubs, operator: KazooClient
) -> None:
    here = hubs(zookeeper_server.hosts, "n1").presence(appid)
    there = hubs(zookeeper_server.hosts, "n2").presence(appid)
    here.announce("amy@gh_demo")
    there.announce("amy@gh_demo")
    sees(here, "amy@gh_demo")
    wait_until(lambda: len(operator.get_children(path_of(appid))) == 2, PATIENT_S)
    sees(here, "amy@gh_demo")
    here.withdraw("amy@gh_demo")
    wait_until(lambda: len(operator.get_children(path_of(appid))) == 1, PATIENT_S)
    sees(here, "amy@gh_demo")
    there.withdraw("amy@gh_demo")
    sees(here)


def test_accounts_do_not_see_each_other(
    zookeeper_server: PrivateZooKeeper, appid: str, hubs: Hubs
) -> None:
    hub = hubs(zookeeper_server.hosts)
    one, other = hub.presence(appid), hub.presence(appid + "b")
    one.announce("amy@gh_demo")
    other.announce("bob@gh_demo")
    sees(one, "amy@gh_demo")
    sees(other, "bob@gh_demo")


def test_announce_waits_until_the_agent_is_seen_when_asked_to(
    zookeeper_server: PrivateZooKeeper, appid: str, hubs: Hubs
) -> None:
    presence = hubs(zookeeper_server.hosts).presence(appid)
    wait_until(lambda: presence.health().state == "connected", PATIENT_S)
    presence.announce("amy@gh_demo", wait_s=1.0)
    assert "amy@gh_demo" in presence.present()


def test_names_with_any_character_come_back_as_they_were(
    zookeeper_server: PrivateZooKeeper, appid: str, hubs: Hubs
) -> None:
    odd = ["a/b@gh", "a|b@gh", "..", "客服一@gh_demo", "100% sure", "\x00"]
    presence = hubs(zookeeper_server.hosts, "node|1/x").presence(appid)
    for name in odd:
        presence.announce(name)
    sees(presence, *odd)


def test_foreign_nodes_are_nobody(
    zookeeper_server: PrivateZooKeeper, appid: str, hubs: Hubs, operator: KazooClient
) -> None:
    presence = hubs(zookeeper_server.hosts).presence(appid)
    presence.announce("amy@gh_demo")
    sees(presence, "amy@gh_demo")
    operator.create(f"{path_of(appid)}/notes")
    operator.create(f"{path_of(appid)}/||")
    presence.announce("bob@gh_demo")
    sees(presence, "amy@gh_demo", "bob@gh_demo")


def test_listeners_hear_of_changes_on_the_keepers_thread_and_may_fail(
    zookeeper_server: PrivateZooKeeper, appid: str, hubs: Hubs
) -> None:
    presence = hubs(zookeeper_server.hosts).presence(appid)
    heard: list[frozenset[str]] = []
    presence.on_change(lambda: 1 / 0)
    presence.on_change(lambda: heard.append(presence.present()))
    presence.announce("amy@gh_demo")
    wait_until(lambda: frozenset({"amy@gh_demo"}) in heard, PATIENT_S)
    presence.withdraw("amy@gh_demo")
    wait_until(lambda: heard[-1] == frozenset(), PATIENT_S)


def test_an_expired_session_is_made_good_within_three_seconds(
    zookeeper_server: PrivateZooKeeper, appid: str, hubs: Hubs, operator: KazooClient
) -> None:
    """kazoo does not make the ephemeral nodes of a lost session again (reliability 2.1)."""
    hub = hubs(zookeeper_server.hosts)
    presence = hub.presence(appid)
    presence.announce("amy@gh_demo")
    sees(presence, "amy@gh_demo")
    path = path_of(appid)
    (before,) = [operator.exists(f"{path}/{n}") for n in operator.get_children(path)]
    expire(presence, hub, zookeeper_server.hosts)

    def made_again() -> bool:
        stats = [operator.exists(f"{path}/{n}") for n in operator.get_children(path)]
        return any(s and s.ephemeralOwner != before.ephemeralOwner for s in stats)

    wait_until(made_again, BACK_S)
    sees(presence, "amy@gh_demo", timeout=BACK_S)
    assert presence.health().sessions == 2


def test_a_node_that_the_session_before_left_standing_is_taken_over(
    zookeeper_server: PrivateZooKeeper, appid: str, hubs: Hubs, operator: KazooClient
) -> None:
    """Expiry and deletion are not one step: the old node may stand when the new session wants it."""
    hub = hubs(zookeeper_server.hosts)
    presence = hub.presence(appid)
    presence.announce("amy@gh_demo")
    sees(presence, "amy@gh_demo")
    presence.withdraw("amy@gh_demo")
    sees(presence)
    assert hub._connection is not None
    holder = holder_of("n1", "ghost")
    ghost = f"{path_of(appid)}/{name_of('amy@gh_demo', holder)}"
    operator.create(ghost, ephemeral=True)
    list(hub._connection.create({"amy@gh_demo": ghost}))
    stat = operator.exists(ghost)
    assert stat is not None and stat.ephemeralOwner == hub._connection.session()


def test_our_node_deleted_by_an_operator_comes_back(
    zookeeper_server: PrivateZooKeeper, appid: str, hubs: Hubs, operator: KazooClient
) -> None:
    presence = hubs(zookeeper_server.hosts).presence(appid)
    presence.announce("amy@gh_demo")
    sees(presence, "amy@gh_demo")
    path = path_of(appid)
    (name,) = operator.get_children(path)
    before = operator.exists(f"{path}/{name}")
    operator.delete(f"{path}/{name}")

    def another() -> bool:
        now = operator.exists(f"{path}/{name}")
        return now is not None and now.czxid != before.czxid

    wait_until(another, PATIENT_S)
    sees(presence, "amy@gh_demo")


def deleted(operator: KazooClient, path: str) -> bool:
    """With what is in it, unless a node has just put somebody there again."""
    try:
        operator.delete(path, recursive=True)
    except NotEmptyError:
        return False
    return True


def test_the_parent_deleted_by_an_operator_is_made_again_and_watched(
    zookeeper_server: PrivateZooKeeper, appid: str, hubs: Hubs, operator: KazooClient
) -> None:
    """A ChildrenWatch dies without a word when its parent goes (reliability, finding 9)."""
    here = hubs(zookeeper_server.hosts, "n1").presence(appid)
    there = hubs(zookeeper_server.hosts, "n2").presence(appid)
    here.announce("amy@gh_demo")
    sees(there, "amy@gh_demo")
    wait_until(lambda: deleted(operator, path_of(appid)), PATIENT_S)
    sees(here, "amy@gh_demo")
    sees(there, "amy@gh_demo")
    here.announce("bob@gh_demo")
    sees(there, "amy@gh_demo", "bob@gh_demo")


def test_a_dead_watch_is_made_up_for_by_reading_again(
    zookeeper_server: PrivateZooKeeper, appid: str, hubs: Hubs
) -> None:
    hub = hubs(zookeeper_server.hosts, "n1", reread_s=1.0)
    here, there = hub.presence(appid), hubs(zookeeper_server.hosts, "n2").presence(appid)
    sees(here)
    wait_until(lambda: here.health().state == "connected", PATIENT_S)
    assert hub._connection is not None
    hub._connection._client._child_watchers.clear()
    there.announce("amy@gh_demo")
    sees(here, "amy@gh_demo")


@pytest.mark.faults
def test_a_server_frozen_for_less_than_a_session_moves_nobody(
    server: PrivateZooKeeper, appid: str, hubs: Hubs
) -> None:
    presence = hubs(server.hosts).presence(appid)
    presence.announce("amy@gh_demo")
    sees(presence, "amy@gh_demo")
    lost: list[frozenset[str]] = []
    presence.on_change(lambda: lost.append(presence.present()))
    server.freeze()
    time.sleep(SESSION_S / 2)  # the length of the freeze is what is tested
    server.thaw()
    wait_until(lambda: presence.health().state == "connected", PATIENT_S)
    sees(presence, "amy@gh_demo")
    assert frozenset() not in lost
    assert presence.health().sessions == 1


@pytest.mark.faults
def test_a_server_frozen_for_longer_voids_what_was_seen_by_our_own_clock(
    server: PrivateZooKeeper, appid: str, hubs: Hubs
) -> None:
    """kazoo stays SUSPENDED until the server is back; nobody may be routed to by what it said last."""
    presence = hubs(server.hosts).presence(appid)
    presence.announce("amy@gh_demo")
    sees(presence, "amy@gh_demo")
    changes: list[bool] = []
    presence.on_change(lambda: changes.append(bool(presence.present())))
    server.freeze()
    try:
        wait_until(lambda: presence.health().state == "suspended", SESSION_S * 3)
        assert presence.present() == {"amy@gh_demo"}
        wait_until(lambda: presence.health().state == "lost", SESSION_S * 3)
        assert presence.present() == frozenset()
        wait_until(lambda: changes == [False], SESSION_S * 3)
    finally:
        server.thaw()
    sees(presence, "amy@gh_demo")
    assert presence.health().state == "connected"


@pytest.mark.faults
def test_nobody_waits_while_the_server_is_frozen(
    server: PrivateZooKeeper, appid: str, hubs: Hubs
) -> None:
    presence = hubs(server.hosts).presence(appid)
    presence.announce("amy@gh_demo")
    sees(presence, "amy@gh_demo")
    server.freeze()
    began = time.monotonic()
    for number in range(100):
        presence.announce(f"a{number}@gh_demo")
        presence.withdraw(f"a{number}@gh_demo")
        presence.present()
        presence.health()
    took_s = time.monotonic() - began
    server.thaw()
    assert took_s < NO_WAIT_S
    sees(presence, "amy@gh_demo")


@pytest.mark.faults
def test_a_server_killed_and_started_again_finds_everybody(
    server: PrivateZooKeeper, appid: str, hubs: Hubs
) -> None:
    presence = hubs(server.hosts).presence(appid)
    presence.announce("amy@gh_demo")
    sees(presence, "amy@gh_demo")
    server.kill9()
    wait_until(lambda: presence.health().state == "lost", PATIENT_S)
    presence.withdraw("amy@gh_demo")
    presence.announce("bob@gh_demo")
    server.start()
    sees(presence, "bob@gh_demo")


@pytest.mark.faults
def test_after_all_data_was_wiped_paths_nodes_and_watches_are_made_again(
    server: PrivateZooKeeper, appid: str, hubs: Hubs
) -> None:
    """The server refuses a client that has seen more transactions than it has; only a fresh one gets in."""
    here, there = hubs(server.hosts, "n1").presence(appid), hubs(server.hosts, "n2").presence(appid)
    for number in range(30):
        here.announce(f"a{number}@gh_demo")
    wait_until(lambda: len(there.present()) == 30, PATIENT_S)
    server.kill9()
    shutil.rmtree(server.folder / "data")
    server.start()
    wait_until(lambda: len(here.present()) == 30, PATIENT_S)
    wait_until(lambda: len(there.present()) == 30, PATIENT_S)
    there.announce("late@gh_demo")
    wait_until(lambda: "late@gh_demo" in here.present(), PATIENT_S)


@pytest.mark.faults
def test_a_node_started_without_a_server_neither_waits_nor_fails_and_joins_later(
    tmp_path: Path, appid: str, hubs: Hubs
) -> None:
    need(zookeeper_missing())
    late = PrivateZooKeeper(tmp_path / "zookeeper")
    began = time.monotonic()
    presence = hubs(late.hosts).presence(appid)
    presence.announce("amy@gh_demo")
    assert presence.present() == frozenset()
    assert time.monotonic() - began < NO_WAIT_S
    assert presence.health().state == "lost"
    late.start()
    try:
        sees(presence, "amy@gh_demo")
    finally:
        late.stop()


HOLD = """
import sys, time
from routing.presence.zookeeper import ZooKeeperHub
hub = ZooKeeperHub(sys.argv[1], "victim", timeout_s=float(sys.argv[3]))
presence = hub.presence(sys.argv[2])
presence.announce("amy@gh_demo")
time.sleep(60)
"""


@pytest.mark.faults
def test_a_process_killed_with_9_frees_its_agents_when_its_session_ends(
    zookeeper_server: PrivateZooKeeper, appid: str, hubs: Hubs
) -> None:
    watching = hubs(zookeeper_server.hosts).presence(appid)
    command = [sys.executable, "-c", HOLD, zookeeper_server.hosts, appid, str(SESSION_S)]
    victim = subprocess.Popen(command, cwd=ROOT)
    try:
        sees(watching, "amy@gh_demo")
        victim.send_signal(signal.SIGKILL)
        sees(watching, timeout=SESSION_S + 5.0)
    finally:
        victim.kill()
        victim.wait()


FORK = """
import os, sys, time
from routing.presence.zookeeper import ZooKeeperHub
hub = ZooKeeperHub(sys.argv[1], "forked", timeout_s=float(sys.argv[3]))
presence = hub.presence(sys.argv[2])
presence.announce("parent@gh_demo", wait_s=1.0)
if os.fork() == 0:
    presence.withdraw("parent@gh_demo")
    presence.announce("child@gh_demo")
time.sleep(60)
"""


@pytest.mark.faults
def test_a_forked_child_has_a_client_of_its_own(
    zookeeper_server: PrivateZooKeeper, appid: str, hubs: Hubs
) -> None:
    """A client that was started before a fork says it is connected, and every call times out."""
    watching = hubs(zookeeper_server.hosts).presence(appid)
    command = [sys.executable, "-c", FORK, zookeeper_server.hosts, appid, str(SESSION_S)]
    parent = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    try:
        sees(watching, "parent@gh_demo", "child@gh_demo")
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
        parent.wait()


def test_closing_takes_our_word_back_at_once(
    zookeeper_server: PrivateZooKeeper, appid: str, hubs: Hubs
) -> None:
    leaving, staying = hubs(zookeeper_server.hosts, "n1"), hubs(zookeeper_server.hosts, "n2")
    presence, watching = leaving.presence(appid), staying.presence(appid)
    presence.announce("amy@gh_demo")
    sees(watching, "amy@gh_demo")
    began = time.monotonic()
    presence.close()
    leaving.close()
    assert time.monotonic() - began < CLOSE_LIMIT_S + NO_WAIT_S
    sees(watching, timeout=SESSION_S)
    assert leaving.state() == "lost"


@pytest.mark.faults
def test_closing_returns_though_the_server_is_frozen(
    server: PrivateZooKeeper, appid: str, hubs: Hubs
) -> None:
    hub = hubs(server.hosts)
    presence = hub.presence(appid)
    presence.announce("amy@gh_demo")
    sees(presence, "amy@gh_demo")
    server.freeze()
    try:
        began = time.monotonic()
        presence.close()
        hub.close()
        assert time.monotonic() - began < CLOSE_LIMIT_S + NO_WAIT_S
    finally:
        server.thaw()


@pytest.mark.faults
def test_closing_returns_at_once_where_no_server_ever_was(appid: str, hubs: Hubs) -> None:
    hub = hubs(f"127.0.0.1:{free_port()}")
    presence = hub.presence(appid)
    presence.announce("amy@gh_demo")
    began = time.monotonic()
    presence.close()
    hub.close()
    assert time.monotonic() - began < CLOSE_LIMIT_S + NO_WAIT_S


def test_hosts_that_cannot_be_read_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="expected host:port"):
        ZooKeeperHub("zk1:port", "n1")
