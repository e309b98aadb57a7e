"""A small HTTP server that answers as a test tells it, also with what no platform would."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    body: bytes = b'{"errcode":0,"errmsg":"ok"}'
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    chunks: Iterator[bytes] | None = None  # sent one by one instead of the body
    cut: bool = False  # close without any answer


def ok(**data: Any) -> Reply:
    return Reply(json.dumps(data).encode())


def error(errcode: int) -> Reply:
    return ok(errcode=errcode, errmsg="invalid rid: 5f3ded7d-22929d02-4ba1f5f6")


class Platform:
    """``answer`` decides; ``requests`` keeps what came in."""

    def __init__(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}"
        self.answer: Callable[[Request], Reply] = lambda _request: Reply()
        self.requests: list[Request] = []
        self.released = threading.Event()

    def seen(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]


@contextmanager
def running_platform() -> Iterator[Platform]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = (
            4096  # head and body in one packet: the second would wait for the first one's receipt
        )

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            request = Request(
                self.command, parts.path, query, self.rfile.read(length), dict(self.headers)
            )
            platform.requests.append(request)
            self._send(platform.answer(request))

        do_GET = do_POST = _serve

        def _send(self, reply: Reply) -> None:
            if reply.cut:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.chunks is None:
                if "Content-Length" not in reply.headers:
                    self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
                return
            self.close_connection = True
            self.end_headers()
            for chunk in reply.chunks:
                self.wfile.write(chunk)
                self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    platform = Platform(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield platform
    finally:
        platform.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
