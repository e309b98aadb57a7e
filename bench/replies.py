"""From an agent's reply accepted to the request at the platform: one at a time, and 200 a second."""

from __future__ import annotations

import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bench import desk
from bench.lab import BenchNode, node, quantile
from bench.load import connect, post
from bench.pushes import Maker, openid
from bench.rows import Row, markdown, within
from tests.support import wait_until

IDLE, RATE, SECONDS = 100, 200, 10
AGENTS, SEATS = 20, 100
PER_CUSTOMER = 4  # below the platform's five per message
THREADS = 16


class Sink:
    """A platform that gives tokens and notes when a text reached it; it takes everything."""

    def __init__(self) -> None:
        self.seen: dict[str, float] = {}
        seen = self.seen

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                at = time.perf_counter()
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if "text" in body:
                    seen[body["text"]["content"]] = at
                self._say({"errcode": 0, "access_token": "t" * 100, "expires_in": 7200})

            def _say(self, answer: dict[str, Any]) -> None:
                raw = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Agents:
    """Agents who answer their customers in turn."""

    def __init__(self, made: BenchNode, sink: Sink) -> None:
        self._made, self._sink = made, sink
        self._local = threading.local()
        self.tokens = {d.kf_account: d.token for d in desk.staff(made, AGENTS, SEATS)}
        self.sessions: list[tuple[str, str]] = []

    def open(self, customers: int) -> None:
        """So many conversations; who owns which is read from the store."""
        maker = Maker(self._made.credentials)
        with connect(self._made.url) as to:
            for user in range(customers):
                assert post(to, maker.line(user))
        client, prefix = desk.redis_of(self._made), f"kf:{{{self._made.credentials.appid}}}:"
        for user in range(customers):
            sid = str(client.hget(f"{prefix}c:{openid(user)}", "open"))
            owner = str(client.hget(f"{prefix}s:{sid}", "kf_account"))
            self.sessions.append((sid, self.tokens[owner]))

    def reply(self, number: int) -> float:
        """When the reply was accepted."""
        sid, token = self.sessions[number % len(self.sessions)]
        if not hasattr(self._local, "to"):
            self._local.to = http.client.HTTPConnection("127.0.0.1", self._made.port)
        body = {"client_id": f"c{number}", "type": "text", "text": f"答复 {number}"}
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        path = f"/api/v1/sessions/{sid}/messages"
        self._local.to.request("POST", path, json.dumps(body).encode(), headers)
        answer = self._local.to.getresponse()
        answer.read()
        assert answer.status < 300, answer.status
        return time.perf_counter()


def rows() -> list[Row]:
    sink = Sink()
    with node(KF_WECHAT_API_BASE=sink.url) as made:
        agents = Agents(made, sink)
        agents.open((IDLE + RATE * SECONDS) // PER_CUSTOMER + 1)
        idle = _waits(sink, _one_at_a_time(agents, sink))
        busy = _waits(sink, _at_a_rate(agents))
    sink.close()
    what = "reply accepted → request at the platform"
    return [
        within(f"{what}, idle, p99", quantile(idle, 0.99), 50, "ms"),
        within(f"{what}, {RATE}/s, p99", quantile(busy, 0.99), 200, "ms"),
    ]


def _one_at_a_time(agents: Agents, sink: Sink) -> dict[str, float]:
    accepted = {}
    for number in range(IDLE):
        accepted[f"答复 {number}"] = agents.reply(number)
        wait_until(lambda n=number: f"答复 {n}" in sink.seen, every=0.005)  # type: ignore[misc]
    return accepted


def _at_a_rate(agents: Agents) -> dict[str, float]:
    began = time.perf_counter()

    def one(number: int) -> tuple[str, float]:
        time.sleep(max(0.0, began + (number - IDLE) / RATE - time.perf_counter()))
        return f"答复 {number}", agents.reply(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return dict(pool.map(one, range(IDLE, IDLE + RATE * SECONDS)))


def _waits(sink: Sink, accepted: dict[str, float]) -> list[float]:
    """ms from each acceptance to its arrival; 0 where it arrived before its sender had the answer."""
    wait_until(lambda: accepted.keys() <= sink.seen.keys(), 60)
    return [max(0.0, sink.seen[text] - at) * 1000 for text, at in accepted.items()]


if __name__ == "__main__":
    print(markdown(rows()))
