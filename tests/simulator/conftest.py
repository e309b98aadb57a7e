"""A running simulator and a small server for it to push to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from flask import Flask, Request, Response, request
from werkzeug.serving import BaseWSGIServer, make_server

from simulator.config import SimulatorConfig
from simulator.web import create_simulator

APPID, SECRET, TOKEN = "wxba5fad812f8e6fb9", "a-secret-of-32-characters-000001", "AAAAA"
AES_KEY = "A" * 43
GH = "gh_97417a04a28d"
WECHAT_ID = "shop_id"
OPENID = "o9AgO5Kd5ggOC-bXrbNODIiE3bGY"
DEADLINE_S = 0.4


class Callback:
    """The server under the simulator's pushes; ``answer`` decides what it says."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.answer: Callable[[Request], Response | str] = lambda _: "success"
        self.lock = threading.Lock()
        app = Flask("callback", static_folder=None)
        app.add_url_rule("/cb", view_func=self._view, methods=["GET", "POST"])
        self.server: BaseWSGIServer = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}/cb"

    def _view(self) -> Response | str:
        with self.lock:
            self.seen.append({"args": request.args.to_dict(), "body": request.get_data()})
        return self.answer(request)


class Sim:
    """The simulator over HTTP."""

    def __init__(self, base: str, callback: Callback) -> None:
        self.base, self.callback = base, callback
        self.http = requests.Session()
        self.http.trust_env = False
        self._token = ""

    def call(self, method: str, path: str, **options: Any) -> Any:
        return self.http.request(method, self.base + path, timeout=10, **options).json()

    def token(self) -> str:
        if not self._token:
            body = {"grant_type": "client_credential", "appid": APPID, "secret": SECRET}
            self._token = self.call("POST", "/cgi-bin/stable_token", json=body)["access_token"]
        return self._token

    def api(self, path: str, body: Any = None, **query: str) -> Any:
        params = {"access_token": self.token(), **query}
        method = "GET" if body is None else "POST"
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        return self.call(method, path, params=params, data=data)

    def say(self, openid: str = OPENID, **spec: Any) -> Any:
        spec = spec or {"text": "在吗"}
        return self.call("POST", f"/sim/api/followers/{openid}/messages", json=spec)

    def send(self, text: str = "您好", openid: str = OPENID, **more: Any) -> int:
        body = {"touser": openid, "msgtype": "text", "text": {"content": text}, **more}
        return int(self.api("/cgi-bin/message/custom/send", body)["errcode"])

    def transcript(self, openid: str = OPENID) -> list[dict[str, Any]]:
        return list(self.call("GET", f"/sim/api/followers/{openid}/transcript")["data"])

    def advance(self, seconds: float) -> None:
        self.call("POST", "/sim/api/clock", json={"advance_s": seconds})

    def fault(self, **fault: Any) -> None:
        self.call("PUT", "/sim/api/faults", json=[fault])


def serve(server: BaseWSGIServer) -> threading.Thread:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    return thread


def config(callback_url: str, **changes: Any) -> SimulatorConfig:
    values: dict[str, Any] = {
        "appid": APPID,
        "secret": SECRET,
        "token": TOKEN,
        "encoding_aes_key": AES_KEY,
        "original_id": GH,
        "wechat_id": WECHAT_ID,
        "callback_url": callback_url,
        "deadline_s": DEADLINE_S,
    }
    return SimulatorConfig(**{**values, **changes})


@pytest.fixture
def callback() -> Iterator[Callback]:
    made = Callback()
    thread = serve(made.server)
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def start(callback: Callback) -> Iterator[Callable[..., Sim]]:
    """Starts simulators; keyword arguments are SimulatorConfig fields."""
    running: list[tuple[BaseWSGIServer, threading.Thread, Sim]] = []

    def begin(**changes: Any) -> Sim:
        app = create_simulator(config(callback.url, **changes))
        server = make_server("127.0.0.1", 0, app, threaded=True)
        sim = Sim(f"http://127.0.0.1:{server.server_port}", callback)
        running.append((server, serve(server), sim))
        return sim

    yield begin
    for server, thread, sim in running:
        sim.http.close()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def sim(start: Callable[..., Sim]) -> Sim:
    return start()
