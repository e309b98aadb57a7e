"""Many agents and many more customers on two nodes, as one outside program sees them over HTTP."""

from __future__ import annotations

import itertools
import json
import secrets
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.e2e.world import ADMIN_PASSWORD, Caller, Node, register
from tests.faults.history import Push, Reply

PASSWORD = "agent-password-1"
HEARD = (b"session.assigned", b"resync")
PATIENCE_S = 60.0
WRITERS, WORKERS, REGISTRARS = 16, 24, 6


class Ear:
    """One open event stream, read as raw bytes; ``kinds`` of events are given on, others passed over."""

    def __init__(self, url: str, token: str) -> None:
        host = urlsplit(url)
        self.socket = socket.create_connection((host.hostname, host.port), timeout=30)
        self.socket.sendall(
            f"GET /api/v1/events HTTP/1.1\r\nHost: {host.netloc}\r\n"
            f"Authorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n".encode()
        )
        self._raw, self._text = b"", b""
        while b"\r\n\r\n" not in self._raw:
            self._raw += self.socket.recv(4096)
        head, self._raw = self._raw.split(b"\r\n\r\n", 1)
        self.open = head.startswith(b"HTTP/1.1 200")
        self._chunked = b"chunked" in head.lower()
        self.socket.setblocking(False)

    def heard(self) -> list[tuple[bytes, bytes]]:
        """(kind, data) of what has arrived."""
        try:
            got = self.socket.recv(262_144)
        except BlockingIOError:
            return []
        self.open = bool(got)
        self._raw += got
        self._unwrap()
        *blocks, self._text = self._text.split(b"\n\n")
        return list(_events(blocks))

    def _unwrap(self) -> None:
        if not self._chunked:
            self._text, self._raw = self._text + self._raw, b""
            return
        while (line := self._raw.find(b"\r\n")) >= 0:
            size = int(self._raw[:line], 16)
            if len(self._raw) < line + size + 4:
                return
            self._text += self._raw[line + 2 : line + 2 + size]
            self._raw = self._raw[line + size + 4 :]


def _events(blocks: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    for block in blocks:
        fields = dict(row.partition(b": ")[::2] for row in block.split(b"\n"))
        if fields.get(b"event") in HEARD:
            yield fields[b"event"], fields.get(b"data", b"")


@dataclass
class Clerk:
    """An agent: he answers once whoever he is given, and closes."""

    kf_account: str
    url: str
    token: str = ""
    ear: Ear | None = None
    seen: set[str] = field(default_factory=set)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class Crowd:
    """Staff and customers of one run; ``figures`` are seconds by what took them."""

    def __init__(self, nodes: Sequence[Node], agents: int, customers: int, seats: int) -> None:
        self.nodes, self.seats = nodes, seats
        self.admin = Caller(nodes[0].url, "admin", ADMIN_PASSWORD)
        self.openids = [f"oCrowd{n:022d}" for n in range(customers)]
        self.figures: dict[str, float] = {}
        with self.timed("agents made"):
            self.clerks = self._registered(agents)
        self.pushes: list[Push] = []
        self.replies: list[Reply] = []
        self.samples: list[dict[str, int]] = []
        self.trouble: list[str] = []
        self._done = threading.Event()
        self._here = threading.local()
        self._work = ThreadPoolExecutor(WORKERS)
        self._threads = [
            threading.Thread(target=act, daemon=True) for act in (self._listen, self._sample)
        ]

    def write(self) -> None:
        """Every customer writes one message, some at a time; the nodes in turn."""
        ids = itertools.count(10**15 + secrets.randbelow(10**14))

        def one(number: int) -> None:
            openid = self.openids[number]
            push = Push(openid, str(next(ids)), f"问{secrets.token_hex(5)}", tries=1)
            began = time.monotonic()
            node = self.nodes[number % len(self.nodes)]
            push.answered = node.push_text(openid, push.text, int(push.msg_id)) == 200
            push.seconds = time.monotonic() - began
            self.pushes.append(push)

        with self.timed("customers wrote"), ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(one, range(len(self.openids))))

    def sign_in(self) -> None:
        """All agents at once: password, event stream, online."""
        for thread in self._threads:
            thread.start()
        with self.timed("agents signed in"), ThreadPoolExecutor(len(self.clerks)) as pool:
            list(pool.map(self._comes, self.clerks))

    def finish(self, over: Callable[[], bool], timeout: float) -> None:
        """Waits until ``over``; then the desks close."""
        deadline = time.monotonic() + timeout
        with self.timed("everybody answered"):
            while not over():
                assert time.monotonic() < deadline, f"{len(self.replies)} answered, {self.trouble}"
                time.sleep(0.1)
        self._done.set()
        for thread in self._threads:
            thread.join()
        self._work.shutdown()
        for clerk in self.clerks:
            if clerk.ear is not None:
                clerk.ear.socket.close()

    def waiting(self) -> int:
        found: int = self.admin.get("/admin/overview")["waiting"]
        return found

    def _registered(self, number: int) -> list[Clerk]:
        def one(n: int) -> Clerk:
            name = register(self.admin, f"c{n}", PASSWORD, max_sessions=self.seats)
            return Clerk(name, self.nodes[n % len(self.nodes)].url)

        with ThreadPoolExecutor(REGISTRARS) as pool:
            return list(pool.map(one, range(number)))

    def _comes(self, clerk: Clerk) -> None:
        body = {"kf_account": clerk.kf_account, "password": PASSWORD}
        clerk.token = self._insist("POST", f"{clerk.url}/api/v1/tokens", body, {})["access_token"]
        ear = Ear(clerk.url, clerk.token)
        assert ear.open
        clerk.ear = ear
        path = f"{clerk.url}/api/v1/me/presence"
        self._insist("PUT", path, {"status": "online"}, clerk.headers)
        self._look(clerk)

    def _listen(self) -> None:
        """One reader for all streams."""
        with selectors.DefaultSelector() as waiting:
            known: set[str] = set()
            while not self._done.is_set():
                for clerk in self.clerks:
                    if clerk.ear is not None and clerk.kf_account not in known:
                        known.add(clerk.kf_account)
                        waiting.register(clerk.ear.socket, selectors.EVENT_READ, clerk)
                for key, _ in waiting.select(0.05):
                    self._take(key.data)
                    if not key.data.ear.open:
                        waiting.unregister(key.fileobj)

    def _take(self, clerk: Clerk) -> None:
        assert clerk.ear is not None
        for kind, data in clerk.ear.heard():
            if kind == b"resync":
                self._work.submit(self._look, clerk)
                continue
            session = json.loads(data)["session"]
            if session["kf_account"] == clerk.kf_account:
                self._begin(clerk, session)

    def _look(self, clerk: Clerk) -> None:
        """What he has already: given before his stream was open, or while it was behind."""
        path = f"{clerk.url}/api/v1/sessions?mine=1&limit=100"
        for session in self._insist("GET", path, None, clerk.headers):
            if session["state"] == "SERVING":
                self._begin(clerk, session)

    def _begin(self, clerk: Clerk, session: dict[str, Any]) -> None:
        if session["id"] not in clerk.seen:
            clerk.seen.add(session["id"])
            self._work.submit(self._serve, clerk, session["id"], session["openid"])

    def _serve(self, clerk: Clerk, sid: str, openid: str) -> None:
        reply = Reply(openid, f"答{secrets.token_hex(5)}", clerk.kf_account)
        body = {"client_id": sid, "type": "text", "text": reply.text}
        try:
            path = f"{clerk.url}/api/v1/sessions/{sid}"
            made = self._insist("POST", f"{path}/messages", body, clerk.headers)
            reply.accepted, reply.message_id = True, made["id"]
            self._insist("POST", f"{path}/close", {"reason": "agent"}, clerk.headers)
        except AssertionError as error:
            self.trouble.append(str(error))
        self.replies.append(reply)

    def _sample(self) -> None:
        """What a supervisor's page sees of loads, again and again."""
        while not self._done.wait(0.25):
            answer = self.admin.call("GET", "/agents")
            if answer.ok:
                rows = answer.json()["data"]
                self.samples.append({row["kf_account"]: row["load"] for row in rows})

    def _insist(self, method: str, url: str, body: Any, headers: dict[str, str]) -> Any:
        """Comes back when told to (busy, throttled); everything else must succeed."""
        if not hasattr(self._here, "http"):
            self._here.http = requests.Session()
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = self._here.http.request(method, url, json=body, headers=headers, timeout=30)
            if answer.status_code not in (429, 503) or time.monotonic() > deadline:
                break
            time.sleep(float(answer.headers.get("Retry-After", 1)))
        assert answer.ok, f"{method} {url} {answer.status_code} {answer.text}"
        return answer.json()["data"]

    def timed(self, what: str) -> _Timed:
        return _Timed(self.figures, what)


@dataclass
class _Timed:
    figures: dict[str, float]
    what: str
    began: float = 0.0

    def __enter__(self) -> None:
        self.began = time.monotonic()

    def __exit__(self, *failed: object) -> None:
        self.figures[self.what] = time.monotonic() - self.began
