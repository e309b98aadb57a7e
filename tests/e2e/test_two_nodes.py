"""Two nodes on one Redis and one ZooKeeper, both from the distribution."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.e2e.world import ADMIN_PASSWORD, Agent, Caller, Credentials, Node, Platform, register
from tests.servers import PrivateRedis, PrivateZooKeeper
from tests.support import wait_until

CUSTOMER = "oE2eTwoNodes0000000000000001"
ENV = {"KF_PRESENCE_GRACE_S": "3", "KF_HEARTBEAT_S": "5"}


@pytest.fixture
def nodes(
    tmp_path_factory: pytest.TempPathFactory,
    redis_server: PrivateRedis,
    zookeeper_server: PrivateZooKeeper,
    credentials: Credentials,
    platform: Platform,
) -> Iterator[tuple[Node, Node]]:
    folder = tmp_path_factory.mktemp("nodes")
    shared = {
        "KF_REDIS_URL": redis_server.url,
        "KF_ZOOKEEPER_HOSTS": zookeeper_server.hosts,
        "KF_DATABASE_URL": f"sqlite:///{folder / 'shared.db'}",
        **ENV,
    }
    pair = [
        Node(folder / name, credentials, platform, KF_NODE_ID=name, **shared)
        for name in ("east", "west")
    ]
    for node in pair:
        node.start()
    yield pair[0], pair[1]
    for node in pair:
        node.stop()


@pytest.fixture
def admin(nodes: tuple[Node, Node]) -> Caller:
    return Caller(nodes[0].url, "admin", ADMIN_PASSWORD)


class Desk:
    """An agent's event stream at one node, read by a thread as a browser would."""

    def __init__(self, node: Node, agent: Agent, last_id: str = "") -> None:
        self.events: list[tuple[str, str, dict[str, Any]]] = []
        headers = {"Last-Event-ID": last_id} if last_id else {}
        self._answer = agent.session.get(
            f"{node.url}/api/v1/events", headers=headers, stream=True, timeout=60
        )
        assert self._answer.status_code == 200, self._answer.text
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            for line in self._answer.iter_lines(chunk_size=1, decode_unicode=True):
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                    continue
                if "event" in fields:
                    data = json.loads(fields.get("data", "{}"))
                    self.events.append((fields.get("id", ""), fields["event"], data))
                fields = {}
        except (requests.RequestException, OSError, AttributeError):
            return

    def types(self) -> list[str]:
        return [kind for _, kind, _ in self.events]

    def texts(self) -> list[str]:
        found = [d["message"]["text"] for _, k, d in self.events if k == "message.created"]
        return [text for text in found if text]

    def close(self) -> None:
        """The tab is closed; without the first step this waits for what the reader waits for."""
        self._answer.raw.shutdown()
        self._answer.close()


def at(node: Node, agent: Agent) -> Agent:
    """The same agent, speaking to another node with the same token."""
    other = Agent.__new__(Agent)
    other.url, other.session, other.kf_account = node.url, agent.session, agent.kf_account
    return other


def test_three_deliveries_at_once_on_two_nodes_are_one_message_with_one_answer(
    nodes: tuple[Node, Node], admin: Caller, platform: Platform
) -> None:
    agent = Agent(nodes[0].url, register(admin, "first"), "agent-password-1").online()
    wait_until(lambda: nodes[1].push_text(CUSTOMER, "零", 1) == 200)
    with ThreadPoolExecutor(9) as threads:
        jobs = [threads.submit(nodes[i % 2].push_text, CUSTOMER, "一次", 2) for i in range(9)]
        assert [job.result() for job in jobs] == [200] * 9
    (session,) = agent.mine()
    assert [m["text"] for m in agent.messages(session["id"])] == ["零", "一次"]


def test_an_agent_at_one_node_sees_and_answers_what_arrives_at_the_other(
    nodes: tuple[Node, Node], admin: Caller, platform: Platform
) -> None:
    east, west = nodes
    agent = Agent(west.url, register(admin, "first"), "agent-password-1").online()
    desk = Desk(west, agent)
    platform.point_to(east)
    wait_until(lambda: [a for a in admin.get("/agents") if a["present"]])
    platform.says(CUSTOMER, "从东边来")
    wait_until(lambda: "从东边来" in desk.texts())
    assigned = [d for _, k, d in desk.events if k == "session.assigned"]
    agent.reply(assigned[0]["session"]["id"], "西边收到")
    assert wait_until(lambda: platform.received(CUSTOMER))[0]["text"] == "西边收到"
    desk.close()


def test_a_killed_node_costs_no_message_and_its_agents_customers_find_another(
    nodes: tuple[Node, Node], admin: Caller, platform: Platform
) -> None:
    east, west = nodes
    first = Agent(east.url, register(admin, "first"), "agent-password-1")
    second = Agent(west.url, register(admin, "second"), "agent-password-1")
    desks = [Desk(east, first), Desk(west, second)]
    for agent in (first, second):
        agent.put("/me/presence", status="online")
    at_east = Agent.mine
    wait_until(lambda: sum(a["present"] for a in admin.get("/agents")) == 2)
    names = [f"oE2eTwoNodes{n:016d}" for n in range(4)]
    for number, name in enumerate(names):
        assert west.push_text(name, "你好", number + 1) == 200
    held = {s["openid"] for s in at_east(first)}
    assert held and held != set(names)

    east.kill9()
    survivor = at(west, second)
    wait_until(lambda: {s["openid"] for s in survivor.mine()} == set(names), timeout=60)
    for session in survivor.mine():
        assert session["state"] == "SERVING"
        assert [m["text"] for m in survivor.messages(session["id"]) if m["text"]] == ["你好"]
    refused = at(west, first).refused(
        "POST",
        f"/sessions/{session_of(survivor, held)}/messages",
        client_id="z",
        type="text",
        text="x",
    )
    assert refused["code"] == "not_owner"
    desks[1].close()


def test_a_desk_that_reconnects_to_the_other_node_misses_nothing(
    nodes: tuple[Node, Node], admin: Caller, platform: Platform
) -> None:
    east, west = nodes
    agent = Agent(east.url, register(admin, "first"), "agent-password-1").online()
    desk = Desk(east, agent)
    west.push_text(CUSTOMER, "一", 1)
    wait_until(lambda: "一" in desk.texts())
    last_id = desk.events[-1][0]
    desk.close()
    west.push_text(CUSTOMER, "二", 2)
    west.push_text(CUSTOMER, "三", 3)
    resumed = Desk(west, at(west, agent), last_id)
    wait_until(lambda: len(resumed.texts()) == 2)
    assert resumed.texts() == ["二", "三"]
    resumed.close()


def test_a_rolling_stop_tells_the_desks_to_move_and_drops_no_push(
    nodes: tuple[Node, Node], admin: Caller, platform: Platform
) -> None:
    east, west = nodes
    agent = Agent(east.url, register(admin, "first"), "agent-password-1").online()
    desk = Desk(east, agent)
    east.push_text(CUSTOMER, "一", 1)
    wait_until(lambda: "一" in desk.texts())
    east.stop()
    wait_until(lambda: "drain" in desk.types())
    assert west.push_text(CUSTOMER, "二", 2) == 200
    (session,) = at(west, agent).mine()
    assert session["unread"] == 2


def test_a_second_node_without_zookeeper_refuses_to_start_and_names_the_setting(
    tmp_path_factory: pytest.TempPathFactory,
    credentials: Credentials,
    platform: Platform,
) -> None:
    folder = tmp_path_factory.mktemp("single")
    server = PrivateRedis(tmp_path_factory.mktemp("own-redis"))
    server.start()
    first = Node(folder / "one", credentials, platform, KF_REDIS_URL=server.url)
    second = Node(folder / "two", credentials, platform, KF_REDIS_URL=server.url)
    try:
        first.start()
        with pytest.raises(AssertionError):
            second.start()
        assert "KF_ZOOKEEPER_HOSTS" in second.log()
    finally:
        second.stop()
        first.stop()
        server.stop()


def session_of(agent: Agent, openids: set[str]) -> str:
    return str(next(s["id"] for s in agent.mine() if s["openid"] in openids))
