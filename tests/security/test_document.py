"""The OpenAPI document held against a running node by schemathesis: odd and broken requests with real logins.

No answer is a server error, each has a declared status, a declared type and the declared shape.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from simulator import samples
from tests.e2e.conftest import admin as admin
from tests.e2e.conftest import credentials as credentials
from tests.e2e.conftest import node as node
from tests.e2e.conftest import platform as platform
from tests.e2e.world import ADMIN_PASSWORD, Agent, Caller, Node, Platform, register
from tests.support import wait_until

CHECKS: Final = [status_code_conformance, content_type_conformance, response_schema_conformance]
ENDLESS: Final = frozenset({"/api/v1/events"})
PASSWORD: Final = "agent-password-1"
SECONDS: Final = 300.0
FIRST_ADMIN: Final = 1
QUICKLY: Final = settings(
    max_examples=5,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Login:
    """One who calls; signed in anew where a call ended his login."""

    url: str
    username: str
    password: str
    http: requests.Session = field(default_factory=requests.Session)

    def renew(self) -> None:
        caller = Caller(self.url, self.username, self.password)
        self.http.headers["Authorization"] = caller.session.headers["Authorization"]

    def ask(self, case: Any) -> Any:
        answer = case.call(base_url=self.url, session=self.http, timeout=15)
        if answer.status_code == 401:
            self.renew()
            answer = case.call(base_url=self.url, session=self.http, timeout=15)
        return answer


@dataclass
class World:
    """A node with something of everything; what is named in paths may be broken by the calls."""

    node: Node
    platform: Platform
    admin: Caller
    anna: Agent
    logins: list[Login]

    def values(self, wanted: Collection[str]) -> dict[str, Any]:
        """Names and numbers of things that exist now, made anew, as far as they are wanted."""
        mark = secrets.token_hex(3)
        openid = f"oFuzz-{mark}"
        self.platform.follow(openid)
        self.platform.says(openid, "在吗")
        sid = wait_until(lambda: self._session(openid))
        title = {"title": mark, "text": "您好"}
        note = f"/customers/{openid}/notes"
        kf = {"kf_account": f"kf{mark}", "nickname": mark}
        made: dict[str, Callable[[], Any]] = {
            "sid": lambda: sid,
            "mid": lambda: f"{sid}.1",
            "message_id": lambda: f"{sid}.1",
            "openid": lambda: openid,
            "kf_account": lambda: self.admin.post("/admin/kf-accounts", **kf)["kf_account"],
            "reply_id": lambda: self.anna.post("/canned-replies", **title)["id"],
            "note_id": lambda: self.admin.post(note, text=mark)["id"],
            "media_id": lambda: self._file(),
            "person_id": lambda: self.admin.post("/admin/people", username=mark, role="agent")[
                "id"
            ],
            "name": lambda: self.admin.post("/admin/groups", name=f"g{mark}", title=mark)["name"],
            "version": lambda: 1,
            "integration_id": lambda: self.admin.post("/admin/integrations", name=mark)["id"],
            "key": lambda: "serving",
        }
        return {name: make() for name, make in made.items() if name in wanted}

    def _file(self) -> str:
        answer = self.anna.call("POST", "/media", data=samples.png(8, 8))
        return str(answer.json()["data"]["media_id"])

    def _session(self, openid: str) -> str:
        return str(self.admin.get(f"/customers/{openid}")["session_id"] or "")


@pytest.fixture
def world(node: Node, admin: Caller, platform: Platform) -> World:
    platform.point_to(node)
    anna = Agent(node.url, register(admin, "anna", PASSWORD, max_sessions=500), PASSWORD).online()
    logins = [
        Login(node.url, "admin", ADMIN_PASSWORD),
        Login(node.url, anna.kf_account, PASSWORD),
    ]
    for login in logins:
        login.renew()
    return World(node, platform, admin, anna, logins)


def operations(url: str) -> list[Any]:
    """All but the endless one; logins are given here, not made up."""
    document = requests.get(f"{url}/api/v1/openapi.json", timeout=10).json()
    del document["components"]["securitySchemes"]
    for one in (one for path in document["paths"].values() for one in path.values()):
        one["security"] = []
    found = schemathesis.openapi.from_dict(document).get_all_operations()
    return [one for one in (result.ok() for result in found) if one.path not in ENDLESS]


def cases(operation: Any, values: dict[str, Any]) -> Iterator[st.SearchStrategy[Any]]:
    """As the document says and not so, with names that exist and with any."""
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        yield operation.as_strategy(mode)
        if values:
            yield operation.as_strategy(mode, path_parameters=values)


def hold(operation: Any, world: World, seconds: float) -> int:
    """Asks for so long, a batch with a seed of its own at a time; the number of answers looked at."""
    names = [parameter.name for parameter in operation.path_parameters]
    ways = st.one_of(list(cases(operation, world.values(names) if names else {})))
    until, count, batch = time.monotonic() + seconds, 0, 0

    def look(case: Any, login: Login) -> None:
        nonlocal count
        if case.path_parameters.get("person_id") == FIRST_ADMIN:
            return
        answer = login.ask(case)
        assert answer.status_code < 500 or answer.status_code == 502, answer.text
        case.validate_response(answer, checks=CHECKS)
        count += 1

    while time.monotonic() < until:
        batch += 1
        seed(batch)(QUICKLY(given(ways, st.sampled_from(world.logins))(look)))()
    return count


@pytest.mark.faults_long
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
def test_the_node_answers_anything_as_its_document_says(world: World) -> None:
    found = operations(world.node.url)
    assert len(found) > 80
    each = {operation.label: hold(operation, world, SECONDS / len(found)) for operation in found}
    assert all(each.values()), {label: count for label, count in each.items() if not count}
    log = world.node.log()
    assert '"event":"request_failed"' not in log, log[-3000:]
