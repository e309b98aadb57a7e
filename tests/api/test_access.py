"""Every declared route with every role, and everything of one agent with another's login."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from app.api.core import PUBLIC, Route
from app.auth.roles import ACTIONS, INTEGRATION, ROLES
from app.edge.server import MODULES
from tests.api.conftest import Client, Node

ROUTES = [route for module in MODULES.values() for route in module.declared]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
NOT_ALLOWED = "Your role does not allow this."
VARIABLE = re.compile(r"<(?:(\w+):)?(\w+)>")


def filled(path: str, values: dict[str, str]) -> str:
    """The path with values in place of its variables; what is not named names nothing that exists."""
    nothing = {"int": "999"}
    return VARIABLE.sub(lambda found: values.get(found[2], nothing.get(found[1], "nothing")), path)


def ask(client: Client, route: Route, path: str, body: Any = None) -> requests.Response:
    if route.endpoint == "GET /api/v1/events":
        response = client.http.get(client.node.base + path, stream=True, timeout=20)
        if response.status_code == 200:
            response.close()
        return response
    sends = {} if route.method == "GET" else {"json": body if body is not None else {}}
    return client.send(route.method, path, **sends)


@pytest.fixture
def logins(node: Node, admin: Client) -> dict[str, Client]:
    """A login of each role; the integration may all that any integration may."""
    made = {
        "admin": admin,
        "supervisor": node.person("lea", "supervisor"),
        "agent": node.agent("anna"),
    }
    issued = admin.post("/admin/integrations", {"name": "shop"}).json()["data"]["token"]
    return made | {INTEGRATION: node.client(issued)}


def test_every_route_answers_each_role_as_the_table_says(
    node: Node, logins: dict[str, Client]
) -> None:
    assert set(logins) == {*ROLES, INTEGRATION}
    asked = 0
    for role, client in logins.items():
        for route in sorted(ROUTES, key=lambda r: r.path.endswith("/logout")):
            if route.action == PUBLIC:
                continue
            answer = ask(client, route, filled(route.path, {}))
            refused = answer.status_code == 403 and answer.json()["detail"] == NOT_ALLOWED
            assert refused is (role not in ACTIONS[route.action]), (role, route.endpoint)
            assert answer.status_code not in (401, 500), (role, route.endpoint)
            asked += 1
    assert asked == len(logins) * sum(route.action != PUBLIC for route in ROUTES)


BODIES: dict[str, Any] = {
    "POST /api/v1/sessions/<sid>/transfer": {"to_kf_account": "bob"},
    "POST /api/v1/sessions/<sid>/messages": {"client_id": "c1", "text": "从旁插话"},
    "PATCH /api/v1/customers/<openid>": {"remark": "改了"},
    "POST /api/v1/customers/<openid>/notes": {"text": "偷看"},
    "PATCH /api/v1/customers/<openid>/notes/<int:note_id>": {"text": "改了"},
    "PATCH /api/v1/canned-replies/<int:reply_id>": {"text": "改了"},
}


def of_a_conversation() -> Iterator[Route]:
    """Routes that name something of somebody and that agents may call."""
    for route in ROUTES:
        named = VARIABLE.search(route.path) and route.action != PUBLIC
        if named and "agent" in ACTIONS[route.action]:
            yield route


def test_nothing_of_another_agents_conversation_is_seen_or_changed(
    node: Node, admin: Client
) -> None:
    anna, bob = node.agent("anna"), node.agent("bob")
    anna.online()
    node.says("o1", "我的卡号")
    sid = node.session_of("o1")
    note = anna.post("/customers/o1/notes", {"text": "熟客"}).json()["data"]["id"]
    own = anna.post("/canned-replies", {"title": "您好", "text": "您好"}).json()["data"]["id"]
    file = anna.send("POST", "/api/v1/media", files={"file": ("a.png", PNG, "image/png")})
    assert file.status_code == 201, file.text
    bob.online()
    before = admin.data(f"/sessions/{sid}"), admin.data(f"/sessions/{sid}/messages")
    values = {
        "sid": sid,
        "mid": f"{sid}.1",
        "openid": "o1",
        "note_id": str(note),
        "reply_id": str(own),
        "media_id": file.json()["data"]["media_id"],
    }
    tried = list(of_a_conversation())
    for route in tried:
        answer = ask(bob, route, filled(route.path, values), BODIES.get(route.endpoint))
        assert answer.status_code in (403, 404, 409), (route.endpoint, answer.text)
        assert "卡号" not in answer.text and "熟客" not in answer.text, route.endpoint
    assert len(tried) > 20
    assert (admin.data(f"/sessions/{sid}"), admin.data(f"/sessions/{sid}/messages")) == before
    assert anna.data("/customers/o1")["remark"] == ""
    assert [row["text"] for row in anna.data("/customers/o1/notes")] == ["熟客"]
    assert anna.data(f"/canned-replies/{own}")["text"] == "您好"
