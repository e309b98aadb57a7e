"""A real node for the API: private Redis, SQLite, the bundled simulator, all over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

import pytest
import redis
import requests
from flask import Flask
from jsonschema import Draft202012Validator
from pydantic import SecretStr
from werkzeug.serving import BaseWSGIServer, make_server

from app import wiring
from app.directory import mirror
from app.directory.people import PeopleDirectory, Registration
from app.edge.server import create_app
from app.node.context import NodeContext
from app.services import Services
from app.storage import groups, kf_accounts
from app.storage.audit import Actor, acting
from app.storage.engine import SQLITE_FILE
from app.storage.groups import Group
from app.storage.kf_accounts import NewKfAccount
from config.settings import load_settings
from simulator.config import SimulatorConfig
from simulator.web import create_simulator
from tests.passwords import cheap_passwords
from tests.servers import PrivateRedis
from tests.support import free_port, wait_until

WECHAT_ID = "shop"
PASSWORD = "a-good-password"
ACTOR = Actor("test", "system", 1)
_databases = itertools.count(1)
_document: dict[str, Any] = {}


class Running:
    """A WSGI application on a port, in threads."""

    def __init__(self, app: WSGIApplication, port: int = 0) -> None:
        self.server: BaseWSGIServer = make_server("127.0.0.1", port, app, threaded=True)
        self.server.daemon_threads = True  # type: ignore[attr-defined]
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self._thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


class Client:
    """Requests of one person; every JSON answer is checked against the OpenAPI document."""

    def __init__(self, node: Node, token: str = "") -> None:
        self.node = node
        self.http = requests.Session()
        self.http.trust_env = False
        if token:
            self.http.headers["Authorization"] = f"Bearer {token}"

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        url = path if path.startswith("http") else self.node.base + path
        response = self.http.request(method, url, timeout=20, **options)
        self.node.check(method, path, response)
        return response

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.send("GET", f"/api/v1{path}", **options)

    def post(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        return self.send("POST", f"/api/v1{path}", json=body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        return self.send("PUT", f"/api/v1{path}", json=body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        return self.send("PATCH", f"/api/v1{path}", json=body, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self.send("DELETE", f"/api/v1{path}", **options)

    def data(self, path: str, **options: Any) -> Any:
        response = self.get(path, **options)
        assert response.status_code == 200, response.text
        return response.json()["data"]

    def online(self) -> None:
        response = self.put("/me/presence", {"status": "online"})
        assert response.status_code == 200, response.text


@dataclass
class Node:
    """The server under test and the platform it talks to."""

    appid: str
    base: str
    app: Flask
    services: Services
    simulator: Running
    draining: threading.Event
    clients: list[Client] = field(default_factory=list)

    @property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document; fetched from the first node only, as every node of this code has the same."""
        if not _document:
            _document.update(requests.get(self.base + "/api/v1/openapi.json", timeout=20).json())
        return _document

    def client(self, token: str = "") -> Client:
        made = Client(self, token)
        self.clients.append(made)
        return made

    def token(self, name: str) -> str:
        body = {"username": name, "password": PASSWORD}
        answer = self.client().post("/tokens", body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"]["access_token"])

    def agent(
        self,
        prefix: str,
        seats: int = 5,
        in_groups: tuple[str, ...] = (),
        platform: str = "local",
    ) -> Client:
        """A new kf account with a person of the same name, signed in by token."""
        name = f"{prefix}@{WECHAT_ID}"
        account = self.services.served[self.appid].account
        with acting(self.services.engine) as conn:
            new = NewKfAccount(
                self.appid, name, prefix.title(), seats, platform=platform, groups=in_groups
            )
            kf_accounts.create(conn, ACTOR, new)
        mirror.one(self.services.engine, account, name)
        return self.person(prefix, "agent", name)

    def person(self, username: str, role: str, kf_account: str | None = None) -> Client:
        directory = PeopleDirectory(
            self.services.engine, self.services.passwords, self.services.logins
        )
        appid = self.appid if kf_account else None
        wish = Registration(username, role, PASSWORD, username.title(), appid, kf_account)
        directory.register(ACTOR, wish)
        return self.client(self.token(username))

    def group(self, name: str, fallback: str | None = None) -> None:
        with acting(self.services.engine) as conn:
            groups.create(conn, ACTOR, Group(self.appid, name, name.title(), fallback))

    def says(self, openid: str, text: str = "在吗", **spec: Any) -> dict[str, Any]:
        """A follower writes; the simulator pushes it signed and encrypted."""
        url = f"{self.simulator.base}/sim/api/followers/{openid}/messages"
        response = self.client().http.post(url, json=spec or {"text": text}, timeout=20)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def transcript(self, openid: str) -> list[dict[str, Any]]:
        url = f"{self.simulator.base}/sim/api/followers/{openid}/transcript"
        rows: list[dict[str, Any]] = self.client().http.get(url, timeout=20).json()["data"]
        return rows

    def session_of(self, openid: str) -> str:
        account = self.services.served[self.appid].account
        return account.store.customer(openid)[0].open_session

    def archived(self, session_id: str) -> None:
        """Waits until the conversation has left Redis."""
        account = self.services.served[self.appid].account
        wait_until(lambda: not account.queries.sessions([session_id]), 20)

    def check(self, method: str, path: str, response: requests.Response) -> None:
        """The answer is what the OpenAPI document says."""
        assert response.headers.get("X-Request-ID"), path
        operation = self.operation(method, path.split("?")[0])
        if operation is None or response.request.method == "HEAD":
            return
        answers = operation["responses"]
        assert str(response.status_code) in answers, (method, path, response.status_code)
        described = answers[str(response.status_code)]
        if "$ref" in described:
            name = described["$ref"].rpartition("/")[2]
            described = self.document["components"]["responses"][name]
        kind = response.headers.get("Content-Type", "").split(";")[0]
        content = described.get("content", {})
        assert kind in content or "*/*" in content or not response.content, (
            method,
            path,
            kind,
            response.text[:300],
        )
        schema = content.get(kind, {}).get("schema")
        if schema is not None:
            whole = {**schema, "components": self.document["components"]}
            errors = list(Draft202012Validator(whole).iter_errors(response.json()))
            assert not errors, (method, path, [e.message for e in errors], response.text[:2000])

    def operation(self, method: str, path: str) -> Any:
        for template, operations in self.document["paths"].items():
            if _fits(template, path) and method.lower() in operations:
                return operations[method.lower()]
        return None


def _fits(template: str, path: str) -> bool:
    wanted, given = template.split("/"), path.split("/")
    return len(wanted) == len(given) and all(
        w == g or (w.startswith("{") and g) for w, g in zip(wanted, given, strict=True)
    )


class Stream:
    """An open event stream, read in a thread; ``stop`` is a client that is suddenly gone."""

    def __init__(self, client: Client, path: str, headers: dict[str, str]) -> None:
        self.blocks: list[dict[str, str]] = []
        self.ended = False
        connection = http.client.HTTPConnection(
            client.node.base.removeprefix("http://"), timeout=40
        )
        connection.connect()
        self._socket: socket.socket = connection.sock
        sent = {"Authorization": str(client.http.headers["Authorization"]), **headers}
        connection.request("GET", path, headers=sent)
        self.response = connection.getresponse()
        assert self.response.status == 200, self.response.read()
        self.headers = self.response.headers
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def events(self, kind: str) -> list[Any]:
        return [json.loads(b["data"]) for b in list(self.blocks) if b.get("event") == kind]

    def wait(self, kind: str, timeout: float = 10.0) -> Any:
        return wait_until(lambda: self.events(kind), timeout)[-1]

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._socket.close()

    def _read(self) -> None:
        block: dict[str, str] = {}
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError), self.response:
            for line in iter(self.response.readline, b""):
                name, _, value = line.decode().rstrip("\n").partition(":")
                if name or value:
                    block[name or "comment"] = value.strip()
                else:
                    self.blocks.append(block)
                    block = {}
        self.ended = True


@pytest.fixture
def listen() -> Iterator[Callable[..., Stream]]:
    """Opens event streams; they are closed at the end."""
    opened: list[Stream] = []

    def begin(client: Client, path: str = "/api/v1/events", **headers: str) -> Stream:
        opened.append(Stream(client, path, headers))
        wait_until(lambda: opened[-1].blocks)
        return opened[-1]

    yield begin
    for stream in opened:
        stream.stop()


@pytest.fixture
def settings_of_node() -> dict[str, str]:
    """More settings for the node of a test; override the fixture to change them."""
    return {}


@pytest.fixture
def node(
    redis_server: PrivateRedis,
    tmp_path: Path,
    appid: str,
    settings_of_node: dict[str, str],
    sqlite_template: Path,
) -> Iterator[Node]:
    port = free_port()
    config = {
        "appid": appid,
        "secret": "the-app-secret-of-the-test",
        "token": "AAAAA",
        "encoding_aes_key": "A" * 43,
        "wechat_id": WECHAT_ID,
    }
    callback_url = f"http://127.0.0.1:{port}/wechat/callback/{appid}"
    simulator = Running(create_simulator(SimulatorConfig(callback_url=callback_url, **config)))
    url = redis_server.url.replace("/0", f"/{next(_databases) % 15 + 1}")
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    settings = load_settings(
        {
            "KF_APPID": appid,
            "KF_APP_SECRET": config["secret"],
            "KF_TOKEN": config["token"],
            "KF_ENCODING_AES_KEY": config["encoding_aes_key"],
            "KF_WECHAT_ID": WECHAT_ID,
            "KF_WECHAT_API_BASE": simulator.base,
            "KF_REDIS_URL": url,
            "KF_DATA_DIR": str(tmp_path),
            "KF_LOG_LEVEL": "error",
            "KF_ADMIN_PASSWORD": PASSWORD,
            "KF_SWEEP_S": "1",
            "KF_THREADS": "60",
            "KF_STREAMS_MAX": "20",
            **settings_of_node,
        },
        None,
    )
    shutil.copy(sqlite_template, tmp_path / SQLITE_FILE)
    draining = threading.Event()
    context = NodeContext(
        redis_url=url,
        embedded=False,
        draining=draining.is_set,
        base_url=f"http://127.0.0.1:{port}",
        demo=None,
        node_id=f"test-{time.monotonic_ns()}",
        secret_key=SecretStr("a-secret-key-of-the-test"),
        admin_password=SecretStr(PASSWORD),
    )
    services = wiring.build(settings, context, cheap_passwords())
    app = create_app(services)
    server = Running(app, port)
    made = Node(appid, server.base, app, services, simulator, draining)
    yield made
    for opened in made.clients:
        opened.http.close()
    server.stop()
    wiring.shutdown()
    simulator.stop()


@pytest.fixture
def admin(node: Node) -> Client:
    return node.client(node.token("admin"))
