"""Every route of openapi.json with everybody's login, asked about an official account that is not theirs.

A new route joins the walk by itself; one with a body is added to ``BODIES``, so that its view is reached.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from tests.bodies import BODIES
from tests.stories.house import PASSWORD, House
from tests.support import wait_until

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
VARIABLE = re.compile(r"\{(\w+)\}")
MARK = "只属于店铺"
"""In every text that is stored in the shop: no answer about the mini program may hold it."""

FILES = {"POST /api/v1/media", "POST /api/v1/admin/kf-accounts/{kf_account}/avatar"}
QUERIES = {"GET /api/v1/search": {"q": MARK}}
GLOBAL = "/api/v1/admin/people"
"""Persons are of the whole installation, and for admins only."""


@dataclass
class Route:
    """One operation of openapi.json."""

    method: str
    path: str
    roles: frozenset[str]
    takes_json: bool

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Walk:
    """The shop has something of everything; whoever comes by holds the ids of all of it."""

    house: House
    ids: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        paths = requests.get(f"{self.house.base}/api/v1/openapi.json", timeout=20).json()["paths"]
        return [
            Route(
                method.upper(),
                path,
                frozenset(operation.get("x-roles", ())),
                "application/json" in operation.get("requestBody", {}).get("content", {}),
            )
            for path, operations in paths.items()
            for method, operation in operations.items()
            if operation["security"] and not path.endswith("/logout")
        ]

    def ask(self, route: Route, token: str, appid: str = "") -> requests.Response:
        path = VARIABLE.sub(lambda found: self.ids[found[1]], route.path)
        if route.path.startswith(GLOBAL):
            path = path.replace(self.ids["person_id"], "999999")
        query = dict(QUERIES.get(route.name, {})) | ({"appid": appid} if appid else {})
        sent: dict[str, Any] = {"json": BODIES[route.name]} if route.takes_json else {}
        if route.name in FILES:
            sent = {"files": {"file": ("a.png", PNG, "image/png")}}
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = requests.request(
            route.method,
            self.house.base + path,
            params=query,
            headers=headers,
            timeout=20,
            stream=route.path.endswith("/events"),
            **sent,
        )
        if route.path.endswith("/events") and answer.status_code == 200:
            answer._content = b""  # a stream has no end to wait for
            answer.close()
        return answer

    def shop(self) -> dict[str, Any]:
        """All that an admin sees of the shop, and the end of its desks' stream."""
        own, sid = self.house.shop, self.ids["sid"]
        seen = {
            path: self.house.data("GET", f"{path}{'&' if '?' in path else '?'}appid={own}")
            for path in (
                "/sessions",
                f"/sessions/{sid}",
                f"/sessions/{sid}/messages",
                f"/sessions/{sid}/routing",
                f"/customers/{self.ids['openid']}",
                f"/customers/{self.ids['openid']}/notes",
                "/canned-replies",
                "/agents",
                "/admin/groups",
                "/admin/kf-accounts",
                "/admin/notices",
                "/admin/routing",
                "/admin/routing/transfers",
                "/admin/dead-letters",
            )
        }
        media = self.house.call("GET", f"/media/{self.ids['media_id']}?appid={own}")
        stream = self.house.services.served[own].hub.last_id()
        return seen | {"media": media.content.hex(), "stream": stream}


@pytest.fixture
def walk(house: House) -> Walk:
    made = Walk(house)
    shop, mini = house.shop, house.mini
    amy = house.agent(shop, "amy1")
    house.pushes(shop, "o1", text=f"{MARK}的卡号")
    (session,) = wait_until(lambda: house.data("GET", "/sessions?mine=1", token=amy))
    note = house.data("POST", "/customers/o1/notes", {"text": f"{MARK}的备注"}, amy)
    canned = {"title": f"{MARK}的话术", "text": "您好"}
    reply = house.data("POST", "/canned-replies", canned, amy)
    file = requests.post(
        f"{house.base}/api/v1/media",
        files={"file": ("a.png", PNG, "image/png")},
        headers={"Authorization": f"Bearer {amy}"},
        timeout=20,
    ).json()["data"]
    picture = {"client_id": "p", "type": "image", "media_id": file["media_id"]}
    house.data("POST", f"/sessions/{session['id']}/messages", picture, amy)
    house.data("PATCH", "/customers/o1", {"remark": f"{MARK}的熟客"}, amy)
    house.data("POST", f"/admin/groups?appid={shop}", {"name": "vip", "title": f"{MARK}的组"})
    lead = {"title": f"{MARK}的公用话术", "text": "您好", "shared": True}
    house.data("POST", f"/canned-replies?appid={shop}", lead)
    made.ids = {
        "sid": session["id"],
        "mid": f"{session['id']}.1",
        "message_id": f"{session['id']}.1",
        "openid": "o1",
        "note_id": str(note["id"]),
        "reply_id": str(reply["id"]),
        "media_id": file["media_id"],
        "kf_account": "amy@official_id",
        "name": "vip",
        "key": "greeting",
        "version": "1",
        "person_id": "999999",
        "integration_id": "999999",
    }
    house.agent(mini, "bob1")
    bob = {"kf_account": "bob", "nickname": "Bob", "role": "supervisor", "password": PASSWORD}
    house.data("POST", f"/admin/kf-accounts?appid={mini}", bob)
    made.tokens = {
        "agent": house.sign_in("bob1"),
        "supervisor with a kf account": house.sign_in("bob"),
    }
    for who, leads in (
        ("supervisor by name", [mini]),
        ("supervisor of nothing", []),
        ("agent of nothing", []),
    ):
        body = {"username": who.replace(" ", "."), "role": who.split()[0], "leads": leads}
        house.data("POST", "/admin/people", body | {"password": PASSWORD})
        made.tokens[who] = house.sign_in(body["username"])
    issued = house.data("POST", "/admin/integrations", {"name": "shop"})["token"]
    made.tokens |= {"admin": house.token, "integration": issued}
    wait_until(
        lambda: (
            house.data("GET", f"/sessions/{session['id']}/messages", token=amy)[-1]["status"]
            == "sent"
        )
    )
    return made


BOUND = (
    "agent",
    "supervisor with a kf account",
    "supervisor by name",
    "supervisor of nothing",
    "agent of nothing",
)


def foreign(walk: Walk) -> Iterator[tuple[str, Route, str]]:
    """Who asks what, about which official account ("" where they name none)."""
    for route in walk.routes():
        for who in BOUND:
            for appid in (walk.house.shop, walk.house.mini, ""):
                yield who, route, appid
        yield "admin", route, walk.house.mini


def test_nobody_sees_or_changes_what_is_of_another_official_account(walk: Walk) -> None:
    before, asked = walk.shop(), 0
    for who, route, appid in foreign(walk):
        answer = walk.ask(route, walk.tokens[who], appid)
        where = (who, route.name, appid, answer.status_code, answer.text[:200])
        assert MARK not in answer.text, where
        if not route.path.endswith("/me/password"):  # a wrong password is 401
            assert answer.status_code not in (401, 500, 503), where
        if appid == walk.house.shop or (appid == walk.house.mini and who.endswith("nothing")):
            assert answer.status_code == 403, where
        asked += 1
    assert walk.shop() == before
    assert asked > 1000


def test_without_a_login_and_for_integrations_nothing_else_is_open(walk: Walk) -> None:
    before = walk.shop()
    for route in walk.routes():
        for appid in (walk.house.shop, ""):
            assert walk.ask(route, "", appid).status_code == 401, route.name
            if "integration" not in route.roles:
                answer = walk.ask(route, walk.tokens["integration"], appid)
                assert answer.status_code == 403, route.name
    assert walk.shop() == before


def test_whoever_leads_several_accounts_is_given_them_by_name(house: House) -> None:
    body = {"username": "lea", "role": "supervisor", "password": PASSWORD}
    lea = house.data("POST", "/admin/people", body | {"leads": [house.mini]})
    assert lea["leads"] == [house.mini]
    token = house.sign_in("lea")
    assert [one["appid"] for one in house.data("GET", "/me", token=token)["accounts"]] == [
        house.mini
    ]
    assert house.data("GET", "/sessions", token=token) == []
    assert house.call("GET", f"/sessions?appid={house.shop}", token=token).status_code == 403

    both = {"leads": [house.shop, house.mini]}
    house.data("PATCH", f"/admin/people/{lea['id']}", both)
    assert house.call("GET", "/me", token=token).status_code == 401
    token = house.sign_in("lea")
    for appid in (house.shop, house.mini):
        assert house.data("GET", f"/sessions?appid={appid}", token=token) == []
    assert house.call("GET", "/sessions", token=token).status_code == 422

    wrong = house.call("PATCH", f"/admin/people/{lea['id']}", {"leads": ["wxnobody"]})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "leads")
    house.data("PATCH", f"/admin/people/{lea['id']}", {"role": "agent"})
    back = house.data("PATCH", f"/admin/people/{lea['id']}", {"role": "supervisor"})
    assert back["leads"] == []
    refused = house.call("GET", "/sessions", token=house.sign_in("lea"))
    assert refused.status_code == 403
    assert "An admin names the accounts" in refused.json()["detail"]


def test_leads_are_for_supervisors(house: House) -> None:
    for role in ("agent", "admin"):
        body = {"username": f"a.{role}", "role": role, "password": PASSWORD}
        answer = house.call("POST", "/admin/people", body | {"leads": [house.mini]})
        assert answer.status_code == 422
        assert json.loads(answer.text)["errors"][0]["field"] == "leads"
