"""An outside program's view: real server processes, a pretend platform, agents that only know HTTP."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from wechatpy.crypto import WeChatCrypto
from werkzeug.serving import make_server

from simulator.budget import refill
from simulator.config import SimulatorConfig
from simulator.web import create_simulator
from tests.support import free_port, wait_until

logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line per request drowns a failure

ROOT = Path(__file__).resolve().parents[2]
ADMIN_PASSWORD = "admin-password-1"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
TIMEOUT_S = 15
START_S = 90


@dataclass
class Credentials:
    """One official account, as its owner would copy it from WeChat's console."""

    appid: str = field(default_factory=lambda: "wx" + secrets.token_hex(8))
    secret: str = field(default_factory=lambda: secrets.token_hex(16))
    token: str = "e2etoken1"
    wechat_id: str = "kfdemo"
    original_id: str = "gh_0123456789ab"


class Platform:
    """The simulator on a port of its own; ``api`` is what KF_WECHAT_API_BASE points to."""

    def __init__(self, credentials: Credentials, **more: Any) -> None:
        self.credentials = credentials
        self.port = free_port()
        config = SimulatorConfig(
            appid=credentials.appid,
            secret=credentials.secret,
            token=credentials.token,
            encoding_aes_key=AES_KEY,
            wechat_id=credentials.wechat_id,
            original_id=credentials.original_id,
            markfail_after=0,
            **more,
        )
        app = create_simulator(config)
        self._world = app.extensions["simulator"]
        self._server = make_server("127.0.0.1", self.port, app, threaded=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._server.shutdown()

    def point_to(self, node: Node) -> None:
        """Pushes go to this node from now on."""
        url = f"{node.url}/wechat/callback/{self.credentials.appid}"
        answer = requests.patch(
            f"{self.url}/sim/api/account", json={"callback_url": url}, timeout=TIMEOUT_S
        )
        assert answer.ok, answer.text

    def follow(self, openid: str) -> None:
        """The customer exists at the platform (custom/send refuses strangers)."""
        self._post("/sim/api/followers", {"openid": openid})

    def heard(self, openid: str) -> None:
        """The platform knows that the customer wrote, where a test delivers the push itself."""
        world = self._world
        with world.lock:
            follower = world.follower(world.account(self.credentials.appid), openid)
            refill(follower.buckets, "message", world.clock.now_ms())

    def says(self, openid: str, content: str, **more: Any) -> dict[str, Any]:
        """The customer writes; the simulator pushes to its callback URL and tells what he sees."""
        body = {"type": "text", "content": content, **more}
        return self._post(f"/sim/api/followers/{openid}/messages", body)

    def pushes(self, openid: str, **push: Any) -> dict[str, Any]:
        return self._post(f"/sim/api/followers/{openid}/messages", push)

    def received(self, openid: str) -> list[dict[str, Any]]:
        """What agents and notices sent to the customer through the API, in order."""
        found = requests.get(
            f"{self.url}/sim/api/followers/{openid}/transcript", timeout=TIMEOUT_S
        ).json()["data"]
        return [row for row in found if row["direction"] == "out" and not row.get("passive")]

    def faults(self, *faults: Mapping[str, Any]) -> None:
        requests.put(f"{self.url}/sim/api/faults", json=list(faults), timeout=TIMEOUT_S)

    def calls_to(self, path: str) -> int:
        log = requests.get(f"{self.url}/sim/api/requests", timeout=TIMEOUT_S).json()["data"]
        return sum(row["path"] == path for row in log)

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = requests.post(self.url + path, json=body, timeout=60)
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        return found


class Node:
    """One server process, started as ``make run`` starts it."""

    python = sys.executable
    prefix: tuple[str, ...] = ()
    """A program that runs the server, with its first arguments."""

    def __init__(
        self, folder: Path, credentials: Credentials, platform: Platform, **env: str
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.credentials = credentials
        self.log_path = folder / "server.log"
        self._crypto = WeChatCrypto(credentials.token, AES_KEY, credentials.appid)
        kept = {n: v for n, v in os.environ.items() if not n.startswith("KF_")}
        self.env = kept | {
            "PORT": str(self.port),
            "KF_DATA_DIR": str(folder / "data"),
            "KF_APPID": credentials.appid,
            "KF_APP_SECRET": credentials.secret,
            "KF_TOKEN": credentials.token,
            "KF_ENCODING_AES_KEY": AES_KEY,
            "KF_WECHAT_ID": credentials.wechat_id,
            "KF_WECHAT_API_BASE": platform.url,
            "KF_ADMIN_PASSWORD": ADMIN_PASSWORD,
            "KF_SECRET_KEY": "e2e-secret-key-0123456789",
            "KF_SWEEP_S": "1",
            **env,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Node:
        self.launch()
        return self.await_ready()

    def launch(self) -> None:
        """The process runs; it may not answer yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, self.python, "wsgi.py", "serve"],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def await_ready(self) -> Node:
        wait_until(self.is_ready, timeout=START_S, every=0.1)
        return self

    def is_ready(self) -> bool:
        assert self.process is not None and self.process.poll() is None, self.log()[-2000:]
        try:
            return requests.get(f"{self.url}/readyz", timeout=1).status_code == 200
        except requests.RequestException:
            return False

    def kill9(self) -> None:
        """The launcher and everything of its session, at once."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def ask_to_stop(self) -> None:
        """SIGTERM; ``stop`` waits for the end."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.ask_to_stop()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill9()

    def embedded_store_pid(self) -> int:
        """The private Valkey's process, 0 while there is none."""
        assert self.process is not None
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid), "-f", "valkey-server|redis-server"],
            capture_output=True,
            text=True,
            check=False,
        )
        return int(found.stdout.split()[0]) if found.stdout.strip() else 0

    def signal(self, pid: int, name: str) -> None:
        os.kill(pid, getattr(signal, f"SIG{name}"))

    def log(self) -> str:
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def push_xml(self, inner: str, timeout: float = 6.0) -> requests.Response:
        """A signed, encrypted push made by wechatpy: another hand than the server's own."""
        stamp, nonce = str(int(time.time())), secrets.token_hex(5)
        envelope = self._crypto.encrypt_message(inner, nonce, stamp)
        signature = envelope.split("<MsgSignature><![CDATA[")[1].split("]]>")[0]
        return requests.post(
            f"{self.url}/wechat/callback/{self.credentials.appid}",
            params={
                "signature": "0" * 40,
                "timestamp": stamp,
                "nonce": nonce,
                "encrypt_type": "aes",
                "msg_signature": signature,
            },
            data=envelope.encode(),
            headers={"Content-Type": "text/xml"},
            timeout=timeout,
        )

    def push_text(self, openid: str, text: str, msg_id: int, timeout: float = 6.0) -> int:
        """HTTP status of pushing one text message; 0 where no answer came."""
        inner = (
            f"<xml><ToUserName><![CDATA[{self.credentials.original_id}]]></ToUserName>"
            f"<FromUserName><![CDATA[{openid}]]></FromUserName>"
            f"<CreateTime>{int(time.time())}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
            f"<Content><![CDATA[{text}]]></Content><MsgId>{msg_id}</MsgId></xml>"
        )
        try:
            return self.push_xml(inner, timeout).status_code
        except requests.RequestException:
            return 0


class Caller:
    """A person or program with a token; ``get`` and friends give the ``data`` of the answer."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.url = url
        self.session = requests.Session()
        body = {"username": username, "password": password}
        answer = requests.post(f"{url}/api/v1/tokens", json=body, timeout=TIMEOUT_S)
        assert answer.ok, answer.text
        token = answer.json()["data"]["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, f"{self.url}/api/v1{path}", timeout=TIMEOUT_S, **more)

    def get(self, path: str, **params: Any) -> Any:
        return self._data(self.call("GET", path, params=params))

    def post(self, path: str, **body: Any) -> Any:
        return self._data(self.call("POST", path, json=body))

    def put(self, path: str, **body: Any) -> Any:
        return self._data(self.call("PUT", path, json=body))

    def refused(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """The problem of a call that must fail."""
        answer = self.call(method, path, json=body)
        assert not answer.ok, answer.text
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        found: dict[str, Any] = answer.json()
        return found

    @staticmethod
    def _data(answer: requests.Response) -> Any:
        assert answer.ok, f"{answer.request.method} {answer.url} {answer.status_code} {answer.text}"
        return answer.json()["data"] if answer.content else None


class Agent(Caller):
    """An agent without an event stream: a program that sends heartbeats."""

    def __init__(self, url: str, kf_account: str, password: str) -> None:
        super().__init__(url, kf_account, password)
        self.kf_account = kf_account

    def online(self) -> Agent:
        self.put("/me/presence", status="online")
        return self

    def mine(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/sessions", mine=1, limit=100)
        return [s for s in found if s["state"] != "CLOSED"]

    def messages(self, session_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/sessions/{session_id}/messages", limit=200)
        return found

    def reply(self, session_id: str, text: str, client_id: str = "") -> dict[str, Any]:
        ident = client_id or secrets.token_hex(6)
        found: dict[str, Any] = self.post(
            f"/sessions/{session_id}/messages", client_id=ident, type="text", text=text
        )
        return found


def register(admin: Caller, prefix: str, password: str = "agent-password-1", **more: Any) -> str:
    """A kf account that can sign in; its full name."""
    body = {
        "kf_account": prefix,
        "nickname": f"客服{prefix}",
        "password": password,
        "role": "agent",
    }
    made = admin.post("/admin/kf-accounts", **(body | more))
    name: str = made["kf_account"]
    return name
