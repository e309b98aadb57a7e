"""A platform that takes whatever it is sent, in a process of its own: ``python -m bench.platform <port>``."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.lab import LOAD_CORE, listening
from tests.e2e.world import ROOT
from tests.support import free_port

ANSWER = b'{"errcode":0,"errmsg":"ok","access_token":"bench","expires_in":7200}'


class Taker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = (
        4096  # head and body in one packet: the second would wait for the first one's receipt
    )

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def taker() -> Iterator[str]:
    """Its address, for KF_WECHAT_API_BASE."""
    port = free_port()
    with listening([sys.executable, "-m", __name__, str(port)], port, LOAD_CORE, cwd=ROOT) as url:
        yield url


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Taker).serve_forever()
