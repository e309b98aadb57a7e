"""Every list pages alike, however it is read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Client, Node
from tests.support import wait_until

LISTS = (
    "/agents",
    "/groups",
    "/canned-replies",
    "/admin/audit",
    "/admin/dead-letters",
    "/admin/groups",
    "/admin/integrations",
    "/admin/kf-accounts",
    "/admin/notices",
    "/admin/people",
)


def by_pages(client: Client, path: str) -> list[Any]:
    """The list in pages of two, as its cursors lead through it."""
    found, cursor = [], ""
    while True:
        answer = client.get(f"{path}?limit=2&cursor={cursor}")
        assert answer.status_code == 200, (path, answer.text)
        assert len(answer.json()["data"]) <= 2, path
        found += answer.json()["data"]
        cursor = answer.json()["meta"]["next_cursor"]
        if not cursor:
            return found


def three_messages_fail(node: Node, agent: Client) -> None:
    node.says("o1")
    faults = [{"path": "/cgi-bin/message/custom/send", "errcode": 45002, "count": 3}]
    node.client().http.put(f"{node.simulator.base}/sim/api/faults", json=faults, timeout=10)
    path = f"/sessions/{node.session_of('o1')}/messages"
    for number in range(3):
        agent.post(path, {"client_id": f"c{number}", "text": "太长"})
    wait_until(lambda: [m["status"] for m in agent.data(path)].count("failed") == 3)


def test_every_list_goes_by_cursor_and_limit_and_its_pages_are_the_whole(
    node: Node, admin: Client
) -> None:
    agents = [node.agent(name) for name in ("anna", "bob", "cara")]
    agents[0].online()
    three_messages_fail(node, agents[0])
    for number in range(3):
        admin.post("/canned-replies", {"title": f"t{number}", "text": "您好", "shared": True})
        admin.post("/admin/integrations", {"name": f"crm{number}"})
    for path in LISTS:
        whole = admin.data(path + ("?limit=200" if path == "/admin/audit" else ""))
        assert len(whole) >= 3, path
        assert by_pages(admin, path) == whole, path


@pytest.mark.parametrize("cursor", ["garbage", "W10", "WyJ4Il0", "%F0%9F%99%82"])
def test_a_cursor_that_was_not_issued_is_refused(admin: Client, cursor: str) -> None:
    for path in LISTS:
        answer = admin.get(f"{path}?cursor={cursor}")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), path


def test_an_empty_parameter_counts_as_absent(node: Node, admin: Client) -> None:
    anna = node.agent("anna")
    anna.online()
    node.says("o1")
    mine = anna.data("/sessions?state=&mine=1&cursor=&appid=")
    assert [session["openid"] for session in mine] == ["o1"]
