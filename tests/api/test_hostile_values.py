"""Every string and number of openapi.json with values that a database may choke on, on both databases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.conftest import PASSWORD, Client, Node
from tests.bodies import BODIES
from tests.databases import database_settings

pytestmark = pytest.mark.timeout(240)

VARIABLE = re.compile(r"\{(\w+)\}")
HOSTILE = ("a\0b", "\ufffe\u202e", 2**31, 2**63, 2**64, -1)
NOTHING = {"note_id": "999", "reply_id": "999", "person_id": "999", "integration_id": "999"}
SPECIAL = {
    "POST /api/v1/login": {"username": "nobody", "password": PASSWORD},
    "POST /api/v1/tokens": {"username": "nobody", "password": PASSWORD},
}
EXAMPLES = 150


@dataclass(frozen=True)
class Place:
    """One parameter of one operation: in its path, its query or at the top of its body."""

    method: str
    path: str
    where: str
    name: str

    @property
    def operation(self) -> str:
        return f"{self.method} {self.path}"


@pytest.fixture
def settings_of_node(database_url: str | None) -> dict[str, str]:
    return database_settings(database_url)


def places(document: dict[str, Any]) -> Iterator[Place]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if path.endswith(("/events", "/logout")) or not path.startswith("/api/"):
                continue
            for parameter in operation["parameters"]:
                yield Place(method.upper(), path, parameter["in"], parameter["name"])
            content = operation.get("requestBody", {}).get("content", {})
            if schema := content.get("application/json", {}).get("schema"):
                for name in fields(document, schema):
                    yield Place(method.upper(), path, "body", name)


def fields(document: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return list(schema.get("properties", {"any": None}))


def send(admin: Client, place: Place, value: str | int) -> requests.Response:
    filled = (
        NOTHING | {place.name: quote(str(value), safe="")} if place.where == "path" else NOTHING
    )
    path = VARIABLE.sub(lambda found: filled.get(found[1], "nothing"), place.path)
    query = {"q": "ab"} if path.endswith("/search") else {}
    if place.where == "query":
        query = query | {place.name: str(value)}
    body = None
    if place.where == "body" or place.operation in BODIES:
        body = SPECIAL.get(place.operation) or BODIES[place.operation]
        body = body | ({place.name: value} if place.where == "body" else {})
    url = admin.node.base + path
    return admin.http.request(place.method, url, params=query, json=body, timeout=20)


def test_no_value_makes_a_route_answer_that_a_store_is_away(node: Node, admin: Client) -> None:
    every = list(places(node.document))
    assert len(every) > 200
    for place in every:
        for value in HOSTILE:
            answer = send(admin, place, value)
            assert answer.status_code < 500, (place, value, answer.text)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(place=st.sampled_from(every), value=st.text() | st.integers())
    def any_value(place: Place, value: str | int) -> None:
        answer = send(admin, place, value)
        assert answer.status_code < 500, (place, value, answer.text)

    any_value()


def test_what_cannot_be_stored_names_nothing_or_is_not_valid(node: Node, admin: Client) -> None:
    wrong = {"username": "ad\0min", "password": PASSWORD}
    assert node.client().post("/login", wrong).status_code == 401
    assert node.client().post("/tokens", wrong).status_code == 401
    for path in ("/search?q=a%00b", "/sessions?group=a%00b", "/admin/audit?who=a%00b"):
        assert admin.get(path).status_code == 422, path
    for path in (f"/canned-replies/{2**31}", f"/admin/people/{2**31}", f"/canned-replies/{2**63}"):
        assert admin.get(path).status_code == 404, path
    anna = node.agent("anna")
    anna.online()
    node.says("o1")
    sid = node.session_of("o1")
    whisper = {"text": "a\0b", "reason": "a"}
    assert admin.post(f"/sessions/{sid}/whisper", whisper).status_code == 422
    assert anna.post("/customers/o1/notes", {"text": r"a\u0000b"}).status_code == 201
