"""The shipped Nginx configuration, in a real Nginx."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests

from tests.conftest import need
from tests.nginx import CERTIFICATE, NAME, SecureNginx, has_ipv6, nginx_missing, nginx_path
from tests.support import free_port

ANSWER_S = 5


class Echo(BaseHTTPRequestHandler):
    """A node that answers with the request line and the headers it was given."""

    def do_GET(self) -> None:
        body = f"{self.requestline}\n{self.headers}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture(scope="module")
def echo_port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Echo)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module", params=["", "/kf"], ids=["whole host", "folder"])
def nginx(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, echo_port: int
) -> Iterator[SecureNginx]:
    need(nginx_missing())
    made = SecureNginx(tmp_path_factory.mktemp("nginx"), echo_port, request.param)
    made.start()
    yield made
    made.stop()


def get(nginx: SecureNginx, url: str, host: str, **headers: str) -> requests.Response:
    return requests.get(
        url,
        headers={"Host": host, **headers},
        verify=nginx.folder / CERTIFICATE,
        allow_redirects=False,
        timeout=ANSWER_S,
    )


def test_nginx_finds_no_fault_in_the_file(nginx: SecureNginx) -> None:
    command = [nginx_path(), "-t", "-p", str(nginx.folder), "-c", str(nginx.folder / "nginx.conf")]
    tested = subprocess.run(command, capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr


@pytest.mark.parametrize("address", ["127.0.0.1", *(["[::1]"] if has_ipv6() else [])])
def test_our_name_is_served_on_both_families_and_no_other(nginx: SecureNginx, address: str) -> None:
    secure = f"https://{address}:{nginx.port}{nginx.path}"
    plain = f"http://{address}:{nginx.plain_port}{nginx.path}"
    answer = get(nginx, f"{secure}/desk", NAME)
    assert answer.status_code == 200
    assert answer.text.startswith(f"GET {nginx.path}/desk HTTP/1.1\n")
    assert get(nginx, f"{secure}/metrics", NAME).status_code == 404
    moved = get(nginx, f"{plain}/desk", NAME)
    assert (moved.status_code, moved.headers["Location"]) == (
        301,
        f"https://{NAME}{nginx.path}/desk",
    )
    for url in (secure, plain):
        for other in ("evil.example", address):
            with pytest.raises(requests.ConnectionError):
                get(nginx, f"{url}/desk", other)


def test_in_a_folder_the_rest_of_the_host_is_not_kfrings(nginx: SecureNginx) -> None:
    answer = get(nginx, f"https://127.0.0.1:{nginx.port}/desk", NAME)
    assert answer.status_code == (404 if nginx.path else 200)


def test_a_node_is_given_what_nginx_saw_and_not_what_the_client_claims(nginx: SecureNginx) -> None:
    claims = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"}
    url = f"https://127.0.0.1:{nginx.port}{nginx.path}/desk"
    text = get(nginx, url, NAME, **claims).text
    assert "X-Forwarded-For: 127.0.0.1" in text and "203.0.113.9" not in text
    assert "X-Forwarded-Proto: https" in text and f"Host: {NAME}" in text
