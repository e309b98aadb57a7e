"""A node is killed under an open desk: the other one carries on where it was, and nothing is sent twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.e2e.world import ADMIN_PASSWORD, Caller, Credentials, Node, Platform, register
from tests.faults.toxic import Toxic
from tests.servers import PrivateRedis, PrivateZooKeeper
from tests.support import wait_until
from tests.web.world import Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

Desks = Callable[..., Desk]
CUSTOMER = "oDeskTwoNodes0000000000anna"
PASSWORD = "agent-password-1"


@dataclass
class Front:
    """One address with two nodes behind it, as a load balancer has them: all goes to one of them."""

    east: Node
    west: Node
    door: Toxic
    platform: Platform

    @property
    def url(self) -> str:
        return f"http://{self.door.address}"

    def password(self, username: str) -> str:
        return PASSWORD

    def turn_to(self, node: Node) -> None:
        self.door.upstream = node.port
        self.platform.point_to(node)


@pytest.fixture
def front(
    tmp_path_factory: pytest.TempPathFactory,
    redis_server: PrivateRedis,
    zookeeper_server: PrivateZooKeeper,
) -> Iterator[Front]:
    credentials, folder = Credentials(), tmp_path_factory.mktemp("nodes")
    platform = Platform(credentials)
    shared = {
        "KF_REDIS_URL": redis_server.url,
        "KF_ZOOKEEPER_HOSTS": zookeeper_server.hosts,
        "KF_DATABASE_URL": f"sqlite:///{folder / 'shared.db'}",
    }
    pair = [
        Node(folder / name, credentials, platform, KF_NODE_ID=name, **shared)
        for name in ("east", "west")
    ]
    for node in pair:
        node.start()
    door = Toxic(pair[0].port)
    yield Front(pair[0], pair[1], door, platform)
    door.down()
    for node in pair:
        node.stop()
    platform.stop()


@pytest.fixture
def node(front: Front) -> Front:
    """What the desks of this test speak to."""
    front.turn_to(front.east)
    return front


def test_the_desk_goes_on_at_the_other_node_with_everything_once(desk: Desks, node: Front) -> None:
    username = register(Caller(node.east.url, "admin", ADMIN_PASSWORD), "first")
    agent = desk().sign_in(username).serve()
    page = agent.page
    node.platform.follow(CUSTOMER)
    node.platform.says(CUSTOMER, "节点还在的时候")
    agent.open("节点还在的时候")
    agent.write("收到")
    page.locator(".sent").wait_for()
    node.door.down()
    node.east.kill9()
    expect(page.get_by_text(re.compile("连接已断开"))).to_be_visible()
    agent.write("没有节点时写的话")
    expect(page.locator(".message[data-status=sending]")).to_have_count(1)
    node.turn_to(node.west)
    node.platform.says(CUSTOMER, "没有人听的时候")
    node.door.up()
    expect(page.get_by_text(re.compile("连接已断开"))).to_have_count(0)
    agent.shows("没有人听的时候")
    wait_until(lambda: texts(node) == ["收到", "没有节点时写的话"])
    node.platform.says(CUSTOMER, "在另一个节点上")
    agent.shows("在另一个节点上")
    agent.write("还是我")
    wait_until(lambda: texts(node) == ["收到", "没有节点时写的话", "还是我"])
    expect(page.locator(".thread .message")).to_have_count(6)
    agent.complaints.clear()


def texts(node: Front) -> list[str]:
    return [row["text"] for row in node.platform.received(CUSTOMER)]
