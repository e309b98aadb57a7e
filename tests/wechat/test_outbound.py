"""An address that others name leads to the public internet or nowhere, by whatever form and trick."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import certifi
import pytest

from app.wechat.http import NotConnected
from app.wechat.outbound import AddressRefused, Outbound, by_system, is_public
from tests.certificates import signed, tls_server
from tests.wechat.platform import Platform, Reply, running_platform

INSIDE = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2001:db8::1",
]
PUBLIC = ["203.205.254.1", "2400:3200::1", "::ffff:203.205.254.1", "64:ff9b::203.205.254.1"]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused_in_every_form(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(AddressRefused):
        Outbound(resolve=lambda *_: [address]).call("GET", "http://video.example.com/x")


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_public_internet_is_not_refused(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    ["127.1", "0177.0.0.1", "0x7f.0.0.1", "2130706433", "0x7f000001", "[::ffff:7f00:1]", "[::1]"],
)
def test_the_ways_of_writing_an_address_inside_are_seen_through(
    platform: Platform, host: str
) -> None:
    port = platform.base_url.rpartition(":")[2]
    with pytest.raises(AddressRefused):
        Outbound().call("GET", f"http://{host}:{port}/x")
    assert platform.requests == []


@pytest.mark.parametrize(
    "url", ["", "ftp://example.com/x", "file:///etc/passwd", "http://", "http://[broken", "//x/y"]
)
def test_what_is_no_http_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        Outbound().call("GET", url)


def test_one_address_inside_among_public_ones_is_enough_to_refuse() -> None:
    mixed = Outbound(resolve=lambda *_: [PUBLIC[0], "10.0.0.1"])
    with pytest.raises(AddressRefused):
        mixed.call("GET", "http://video.example.com/x")


def test_a_name_that_is_unknown_is_not_connected() -> None:
    def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with pytest.raises(NotConnected, match="unknown"):
        Outbound(resolve=unknown).call("GET", "http://nowhere.invalid/x")


@pytest.fixture
def platform() -> Iterator[Platform]:
    with running_platform() as running:
        yield running


def port_of(platform: Platform) -> int:
    return int(platform.base_url.rpartition(":")[2])


def test_a_name_is_resolved_once_and_the_checked_address_is_called(platform: Platform) -> None:
    """The second look-up would answer otherwise, as a rebinding name server does."""
    answers = [["127.0.0.1"], ["192.0.2.1"]]
    asked: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return answers.pop(0)

    outbound = Outbound(frozenset({"video.example.com"}), resolve=rebinding)
    port = port_of(platform)
    assert outbound.call("GET", f"http://video.example.com:{port}/x?y=1").status == 200
    assert asked == ["video.example.com"]
    assert platform.requests[0].headers["Host"] == f"video.example.com:{port}"
    assert platform.requests[0].path == "/x"


def test_the_next_address_is_tried_where_one_does_not_answer(platform: Platform) -> None:
    with socket.create_server(("127.0.0.2", 0)) as gone:
        port = gone.getsockname()[1]
    outbound = Outbound(frozenset({"v"}), resolve=lambda *_: ["127.0.0.2", "127.0.0.1"])
    with pytest.raises(NotConnected):
        outbound.call("GET", f"http://v:{port}/x")
    assert outbound.call("GET", f"http://v:{port_of(platform)}/x").status == 200


def test_a_redirect_is_not_followed(platform: Platform) -> None:
    platform.answer = lambda _request: Reply(
        b"", 302, {"Location": "http://169.254.169.254/", "Content-Length": "0"}
    )
    outbound = Outbound(frozenset({"127.0.0.1"}))
    assert outbound.call("GET", platform.base_url + "/x").status == 302
    assert len(platform.requests) == 1


def test_a_host_that_the_operator_lists_or_names_may_be_inside(platform: Platform) -> None:
    url = platform.base_url + "/x"
    with pytest.raises(AddressRefused):
        Outbound().call("GET", url)
    assert Outbound(frozenset({"127.0.0.1"})).call("GET", url).status == 200
    assert Outbound().call("POST", url, by_operator=True, body=b"{}").status == 200


def test_the_certificate_is_asked_for_and_checked_by_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = signed("authority", ca=True)
    root = authority.save(tmp_path / "root.pem")
    monkeypatch.setattr(certifi, "where", lambda: str(root))
    pem = signed("video.example.com", authority).save(tmp_path / "server.pem")
    names = frozenset({"video.example.com", "other.example.com"})
    outbound = Outbound(names, resolve=lambda *_: ["127.0.0.1"])
    with tls_server(pem) as (port, seen):
        assert outbound.call("GET", f"https://video.example.com:{port}/x").body == b"ok"
        with pytest.raises(NotConnected):
            outbound.call("GET", f"https://other.example.com:{port}/x")
    assert len(seen) == 1 and f"Host: video.example.com:{port}".encode() in seen[0]


def test_a_public_address_is_called_by_the_proxy_and_only_after_its_check(
    platform: Platform,
) -> None:
    """The proxy is given the checked address, so that it resolves nothing by itself."""
    proxy = platform.base_url.replace("http://", "http://me:p%40ss@")
    public = Outbound(proxy=proxy, resolve=lambda *_: [PUBLIC[0]])
    assert public.call("GET", "http://video.example.com/x").status == 200
    (request,) = platform.requests
    assert request.headers["Host"] == "video.example.com"
    assert request.headers["proxy-authorization"].startswith("Basic ")
    with pytest.raises(AddressRefused):
        Outbound(proxy=proxy, resolve=lambda *_: ["10.0.0.1"]).call("GET", "http://v/x")
    assert len(platform.requests) == 1


def test_the_system_resolves_an_address_to_itself() -> None:
    assert by_system("127.0.0.1", 80) == ["127.0.0.1"]
