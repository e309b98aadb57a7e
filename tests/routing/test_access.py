"""With KF_ZOOKEEPER_AUTH nobody but the nodes reads or forges presence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import NoAuthError

from routing.presence.nodes import path_of
from routing.presence.zookeeper import ZooKeeperHub
from tests.conftest import started_zookeeper
from tests.routing.test_zookeeper import PATIENT_S, SESSION_S, sees
from tests.routing.test_zookeeper import operator as operator
from tests.servers import PrivateZooKeeper
from tests.support import wait_until

pytestmark = pytest.mark.zookeeper

LOGIN = "kfring:only-the-nodes-know"


@pytest.fixture(scope="module")
def zookeeper_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateZooKeeper]:
    """One of its own: the first node with a login shuts everybody else out of the common parent."""
    yield from started_zookeeper(tmp_path_factory)


@pytest.fixture
def hub(zookeeper_server: PrivateZooKeeper) -> Iterator[ZooKeeperHub]:
    made = ZooKeeperHub(zookeeper_server.hosts, "n1", timeout_s=SESSION_S, login=LOGIN)
    yield made
    made.close()


@pytest.fixture
def other(zookeeper_server: PrivateZooKeeper) -> Iterator[ZooKeeperHub]:
    made = ZooKeeperHub(zookeeper_server.hosts, "n2", timeout_s=SESSION_S, login=LOGIN)
    yield made
    made.close()


def test_nodes_with_the_same_login_see_each_other(
    hub: ZooKeeperHub, other: ZooKeeperHub, appid: str
) -> None:
    hub.presence(appid).announce("amy@gh_demo")
    sees(other.presence(appid), "amy@gh_demo")
    hub.presence(appid).withdraw("amy@gh_demo")
    sees(other.presence(appid))


def test_a_stranger_can_neither_read_nor_forge_nor_remove_presence(
    hub: ZooKeeperHub, operator: KazooClient, appid: str
) -> None:
    presence = hub.presence(appid)
    presence.announce("amy@gh_demo")
    sees(presence, "amy@gh_demo")
    with pytest.raises(NoAuthError):
        operator.get_children(path_of(appid))
    with pytest.raises(NoAuthError):
        operator.create(f"{path_of(appid)}/bob@gh_demo|n9|1", ephemeral=True)
    with pytest.raises(NoAuthError):
        operator.delete(path_of(appid), recursive=True)
    sees(presence, "amy@gh_demo")


def test_a_node_without_the_login_sees_nobody_and_goes_on(
    hub: ZooKeeperHub,
    zookeeper_server: PrivateZooKeeper,
    appid: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("WARNING", "routing.presence.zookeeper")
    hub.presence(appid).announce("amy@gh_demo")
    sees(hub.presence(appid), "amy@gh_demo")
    stranger = ZooKeeperHub(zookeeper_server.hosts, "n3", timeout_s=SESSION_S)
    try:
        presence = stranger.presence(appid)
        presence.announce("bob@gh_demo")
        wait_until(lambda: "NoAuthError" in caplog.text, PATIENT_S)
        assert presence.present() == frozenset()
    finally:
        stranger.close()
    sees(hub.presence(appid), "amy@gh_demo")
