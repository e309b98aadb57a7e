"""A demo node as `make run` starts it, customers on the simulator, agents in a real browser."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

from tests.support import free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
START_S = 40.0
SHOWN_MS = 15_000
TIMEOUT_S = 15
REFUSED = re.compile(r"status of (401|409|422|502) ")
"""The browser itself writes each refused request into its console; the page says it in words."""


class DemoNode:
    """One server process on the embedded default with its bundled simulator."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {n: v for n, v in os.environ.items() if not n.startswith("KF_")}
        own = {"PORT": str(self.port), "KF_DATA_DIR": str(folder / "data"), "KF_SWEEP_S": "1"}
        self._env = kept | own | env
        self._process: subprocess.Popen[bytes] | None = None
        self._tokens: dict[str, str] = {}

    def start(self) -> DemoNode:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "wsgi.py", "serve"],
                cwd=ROOT,
                env=self._env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._is_up, timeout=START_S, every=0.1)
        return self

    def kill9(self) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill9()

    def password(self, username: str) -> str:
        """As printed for the person at the terminal."""
        found = re.search(rf"^  {username}\s+(\S+)$", self._text(), re.MULTILINE)
        assert found is not None, self._text()
        return found[1]

    def says(self, openid: str, content: str, **more: Any) -> None:
        """The customer writes to the official account."""
        self._simulator("/followers", {"openid": openid})
        body = {"type": "text", "content": content, **more}
        self._simulator(f"/followers/{openid}/messages", body)

    def clear(self) -> None:
        """No conversation is open and nobody serves: the next test starts as on an empty system."""
        admin = self._token("admin")
        for state in ("WAITING", "SERVING", "TRANSFERING"):
            for session in self._api("GET", f"/sessions?state={state}&limit=200", admin)["data"]:
                path = f"/sessions/{session['id']}/close"
                self._api("POST", path, admin, {"reason": "下一个测试开始"})
        for username in ("agent1", "agent2"):
            body = {"status": "offline", "hand_over": True}
            self._api("PUT", "/me/presence", self._token(username), body)
        self.faults()

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        """The admin's word by the API; answers its data."""
        return self.as_person("admin", method, path, body)

    def as_person(self, username: str, method: str, path: str, body: Any = None) -> Any:
        """What somebody does by the API; answers its data."""
        return self._api(method, path, self._token(username), body)["data"]

    def received(self, openid: str) -> list[dict[str, Any]]:
        """What agents sent him, in order."""
        url = f"{self.url}/sim/api/followers/{openid}/transcript"
        rows = requests.get(url, timeout=TIMEOUT_S).json()["data"]
        return [row for row in rows if row["direction"] == "out" and not row.get("passive")]

    def texts(self, openid: str) -> list[str]:
        return [row["text"] for row in self.received(openid)]

    def faults(self, *faults: dict[str, Any]) -> None:
        requests.put(f"{self.url}/sim/api/faults", json=list(faults), timeout=TIMEOUT_S)

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def _text(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def _is_up(self) -> bool:
        assert self._process is not None and self._process.poll() is None, self._text()[-2000:]
        return "Ctrl-C stops" in self._text()

    def _token(self, username: str) -> str:
        """Signed in once: looking at a password costs more than what most calls are for."""
        token = self._tokens.get(username, "")
        if token and self._request("GET", "/me", token).ok:
            return token
        body = {"username": username, "password": self.password(username)}
        self._tokens[username] = self._api("POST", "/tokens", "", body)["data"]["access_token"]
        return self._tokens[username]

    def _api(self, method: str, path: str, token: str, body: Any = None) -> dict[str, Any]:
        answer = self._request(method, path, token, body)
        assert answer.ok, f"{method} {path}: {answer.text}"
        found: dict[str, Any] = answer.json() if answer.content else {"data": None}
        return found

    def _request(self, method: str, path: str, token: str, body: Any = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.url}/api/v1{path}"
        return requests.request(method, url, json=body, headers=headers, timeout=TIMEOUT_S)

    def _simulator(self, path: str, body: dict[str, Any]) -> None:
        answer = requests.post(f"{self.url}/sim/api{path}", json=body, timeout=60)
        assert answer.ok or answer.status_code == 409, answer.text


class Desk:
    """One agent at his desk in a browser of his own; what its console says is kept."""

    def __init__(self, browser: Browser, node: DemoNode, **context: Any) -> None:
        self.node = node
        self.context: BrowserContext = browser.new_context(
            locale="zh-CN",
            viewport=context.pop("viewport", {"width": 1280, "height": 800}),
            **context,
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(SHOWN_MS)
        self.complaints: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning") and not REFUSED.search(message.text):
            self.complaints.append(f"{message.text} {message.location.get('url', '')}")

    def sign_in(self, username: str) -> Desk:
        self.page.goto(f"{self.node.url}/desk")
        sign_in(self.page, username, self.node.password(username))
        self.page.get_by_role("tab", name="接待中").wait_for()
        return self

    def serve(self) -> Desk:
        self.page.get_by_role("button", name="开始接待").click()
        expect(self.page.get_by_role("button", name="在线", exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
        return self

    def open(self, text: str) -> Desk:
        """The conversation whose row shows the text."""
        self.page.locator(".row", has_text=text).locator(".row-open").click()
        self.page.locator(".thread .message").first.wait_for()
        return self

    def write(self, text: str) -> None:
        box = self.page.get_by_label("回复客户")
        box.fill(text)
        box.press("Enter")

    def shows(self, text: str) -> None:
        expect(self.page.locator(".thread .bubble", has_text=text)).to_have_count(1)

    def close(self) -> None:
        self.context.close()


def sign_in(page: Page | FrameLocator, username: str, password: str) -> None:
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()


def tab_to(page: Page, name: str, most: int = 60) -> None:
    """Tab until the thing with this name has the focus."""
    is_there = """name => {
      const at = document.activeElement;
      return [at.ariaLabel, at.textContent.trim(), at.labels?.[0]?.textContent.trim()].includes(name);
    }"""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(is_there, name):
            return
    raise AssertionError(f"Tab does not reach {name}")
