"""Field A on two real nodes with Redis and ZooKeeper: kill the tab, freeze the process, cut the network."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import credentials, platform
from tests.e2e.test_two_nodes import Desk, admin, at, nodes
from tests.e2e.world import Agent, Caller, Node, register
from tests.stories.proxy import Wire
from tests.support import wait_until

__all__ = ["admin", "credentials", "nodes", "platform"]

CUSTOMER = "oStoryGhost0000000000000001"
Pair = tuple[Node, Node]


@pytest.fixture
def wire(nodes: Pair) -> Iterator[Wire]:
    made = Wire(nodes[0].port)
    yield made
    made.stop()


def on_duty(node: Node, admin: Caller, prefix: str) -> tuple[Agent, Desk]:
    """An agent whose only sign of life is his open desk."""
    agent = Agent(node.url, register(admin, prefix), "agent-password-1")
    desk = Desk(node, agent)
    agent.put("/me/presence", status="online")
    wait_until(
        lambda: any(a["kf_account"] == agent.kf_account and a["serving"] for a in agents(admin))
    )
    return agent, desk


def agents(admin: Caller) -> list[dict[str, object]]:
    found: list[dict[str, object]] = admin.get("/agents")
    return found


def served_by(west: Node, agent: Agent) -> list[str]:
    return [s["id"] for s in at(west, agent).mine() if s["state"] == "SERVING"]


def test_cskefu_304_a_killed_tab_moves_its_customer_after_the_grace_and_no_ghost_gets_another(
    nodes: Pair, admin: Caller
) -> None:
    east, west = nodes
    ghost, tab = on_duty(east, admin, "ghost")
    assert east.push_text(CUSTOMER, "在吗", 1) == 200
    (sid,) = served_by(west, ghost)
    there, _ = on_duty(west, admin, "there")
    tab.close()
    wait_until(lambda: served_by(west, there) == [sid], timeout=60)
    for number in range(2, 6):
        assert west.push_text(f"oStoryGhost{number:016d}", "你好", number) == 200
    assert served_by(west, ghost) == []
    assert [m["text"] for m in there.messages(sid) if m["text"]] == ["在吗"]


def test_livehelperchat_552_a_frozen_node_loses_its_agents_and_its_late_word_is_refused(
    nodes: Pair, admin: Caller
) -> None:
    east, west = nodes
    frozen, _ = on_duty(east, admin, "frozen")
    assert west.push_text(CUSTOMER, "在吗", 1) == 200
    (sid,) = served_by(west, frozen)
    there, _ = on_duty(west, admin, "there")
    assert east.process is not None
    os.killpg(east.process.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: served_by(west, there) == [sid], timeout=90)
        assert west.push_text(CUSTOMER, "还在吗", 2) == 200
    finally:
        os.killpg(east.process.pid, signal.SIGCONT)
    wait_until(east.is_ready, timeout=60)
    body = {"client_id": "late", "type": "text", "text": "我来了"}
    assert frozen.refused("POST", f"/sessions/{sid}/messages", **body)["code"] == "not_owner"
    assert [m["text"] for m in there.messages(sid) if m["text"]] == ["在吗", "还在吗"]


def test_chatwoot_5362_a_cut_network_moves_the_customer_and_a_mended_one_comes_back_in_peace(
    nodes: Pair, admin: Caller, wire: Wire
) -> None:
    east, west = nodes
    far = Agent(east.url, register(admin, "far"), "agent-password-1")
    far.url = f"http://127.0.0.1:{wire.port}"
    through = Node.__new__(Node)
    through.url = far.url
    Desk(through, far)
    far.put("/me/presence", status="online")
    wait_until(lambda: any(a["serving"] for a in agents(admin)))
    assert west.push_text(CUSTOMER, "在吗", 1) == 200
    (sid,) = served_by(west, far)
    there, _ = on_duty(west, admin, "there")
    wire.cut()
    wait_until(lambda: served_by(west, there) == [sid], timeout=60)
    wire.mend()
    desk = Desk(through, far)
    assert west.push_text("oStoryGhost0000000000000002", "新来的", 2) == 200
    wait_until(lambda: len(served_by(west, far)) + len(served_by(west, there)) == 2)
    assert sid in served_by(west, there)
    desk.close()
