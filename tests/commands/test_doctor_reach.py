"""The doctor says what is in the way: the name, the port, silence, or the certificate and its fault."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import certifi
import pytest

from app.commands.doctor import platform, pushes, stores
from app.commands.doctor.findings import Finding
from app.commands.doctor.reach import obstacle
from config.settings import load_settings
from tests.certificates import Signed, signed, tls_server
from tests.config.test_settings import ACCOUNT
from tests.support import free_port

SHORT_S = 0.3


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port whose queue is full, so that a further connection is not even taken."""
    with socket.socket() as listening, socket.socket() as first, socket.socket() as second:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


@pytest.mark.parametrize("scheme", ["http", "https", "redis", "rediss", "postgresql", "zookeeper"])
def test_a_name_that_nobody_knows_is_told_from_a_port_that_nobody_listens_at(scheme: str) -> None:
    unknown = obstacle(f"{scheme}://nobody.invalid:1")
    assert unknown.what == "the name nobody.invalid is unknown" and "DNS" in unknown.step
    port = free_port()
    refused = obstacle(f"{scheme}://127.0.0.1:{port}/x")
    assert refused.what == f"127.0.0.1:{port} refuses connections" and "start it" in refused.step


def test_a_port_that_swallows_everything_is_told_as_silence(silent_port: int) -> None:
    found = obstacle(f"http://127.0.0.1:{silent_port}", SHORT_S)
    assert "does not answer within 0.3 s" in found.what and "firewall" in found.step


def test_a_server_that_takes_the_connection_and_says_nothing_is_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        assert "takes connections" in obstacle(f"http://127.0.0.1:{port}", SHORT_S).what
        found = obstacle(f"https://127.0.0.1:{port}", SHORT_S)
        assert "does not answer within 0.3 s" in found.what


@pytest.fixture(scope="module")
def authority() -> Signed:
    return signed("test authority", ca=True)


@pytest.fixture(autouse=True)
def trusted(authority: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = authority.save(tmp_path / "root.pem")
    monkeypatch.setattr(certifi, "where", lambda: str(root))


def shown(case: str, authority: Signed) -> Signed:
    """A certificate with the fault of that name."""
    match case:
        case "self-signed":
            return signed("127.0.0.1")
        case "expired":
            return signed("127.0.0.1", authority, days=-1)
        case "another host":
            return signed("kf.example.com", authority)
        case _:
            between = signed("authority in between", authority, ca=True)
            return signed("127.0.0.1", between)


@pytest.mark.parametrize("case", ["self-signed", "expired", "another host", "incomplete"])
def test_a_certificate_is_refused_with_its_fault_and_the_next_step(
    case: str, authority: Signed, tmp_path: Path
) -> None:
    pem = shown(case, authority).save(tmp_path / "server.pem")
    steps = {
        "self-signed": "public authority",
        "expired": "renew",
        "another host": "name",
        "incomplete": "fullchain",
    }
    with tls_server(pem) as (port, _):
        found = obstacle(f"https://127.0.0.1:{port}")
        assert "certificate" in found.what and case in found.what, found
        assert steps[case] in found.step
        (config,) = load_settings(ACCOUNT, None).accounts
        base = f"https://127.0.0.1:{port}"
        pushed = list(pushes.examine(config, base, public=True))[1:]
        called = list(platform.examine(config, base))
    assert len(pushed) == 2 and len(called) == 2
    assert all(case in one.what and steps[case] in one.fix for one in (*pushed, *called))


def test_a_server_without_tls_is_told_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(obstacle, f"https://127.0.0.1:{plain.getsockname()[1]}")
        client, _ = plain.accept()
        with client:
            client.recv(4096)
            client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            assert "speaks no TLS" in asked.result(10).what


def test_the_stores_are_told_apart_as_well() -> None:
    closed = free_port()

    def lines(finding: Finding) -> str:
        return " ".join(finding.lines())

    def settings(**more: str) -> Any:
        return load_settings({**ACCOUNT, **more}, None)

    for host, said in (("nobody.invalid", "unknown"), ("127.0.0.1", "refuses")):
        url = f"redis://:hunter22@{host}:{closed}/0"
        redis = lines(stores.redis(settings(KF_REDIS_URL=url), url, ""))
        assert said in redis and "KF_REDIS_URL" in redis and "hunter22" not in redis
        url = f"postgresql://kf:hunter22@{host}:{closed}/kf"
        database = lines(stores.database(settings(KF_DATABASE_URL=url)))
        assert said in database and "KF_DATABASE_URL" in database and "hunter22" not in database


@pytest.mark.parametrize(
    ("url", "servers"),
    [
        ("redis://:p@h:1/0", ["redis://h:1"]),
        ("rediss://h", ["rediss://h"]),
        ("redis+sentinel://:p@a,b:7/m/0", ["redis://a:26379", "redis://b:7"]),
        ("redis+cluster://u:p@a:7000,b:7001", ["redis://a:7000", "redis://b:7001"]),
        ("zookeeper://a:2181,b/kf", ["zookeeper://a:2181", "zookeeper://b"]),
        ("postgresql://u:p@h/kf", ["postgresql://h"]),
        ("postgresql:///kf?host=/run/postgresql", []),
        ("unix:///run/redis.sock", []),
        ("", []),
    ],
)
def test_every_server_of_an_address_is_looked_at(url: str, servers: list[str]) -> None:
    assert stores.servers_of(url) == servers
