from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.forwarded import HOPS_MAX, client_of, read_address, with_mapped

PROXY = "10.0.0.1"
TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))

strangers = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).filter(
    lambda address: (
        getattr(address, "ipv4_mapped", None) is None
        and not any(address in network for network in TRUSTED)
    )
)
ports = st.integers(0, 65535)
claims = st.text(st.characters(codec="latin-1"), max_size=80)


def spellings(address: IPv4Address | IPv6Address, port: int) -> list[str]:
    """Return how proxies write one address down."""
    if address.version == 4:
        return [
            f"{address}",
            f"{address}:{port}",
            f"::ffff:{address}",
            f"[::ffff:{address}]:{port}",
        ]
    long = address.exploded.upper()
    plain = [f"{address}", long, f"[{address}]", f"[{long}]:{port}"]
    return [*plain, f"{address}%eth0", f"[{address}%3]:{port}"]


@given(strangers, ports, claims)
def test_a_client_is_one_address_however_the_proxy_writes_it_and_whatever_the_client_claims(
    client: IPv4Address | IPv6Address, port: int, claim: str
) -> None:
    for written in spellings(client, port):
        for said in (written, f" {written}\t", f"{claim},{written}", f"{written},{PROXY}:{port}"):
            assert client_of(PROXY, said, TRUSTED) == str(client), said


@given(claims)
def test_whatever_a_header_holds_the_client_is_an_address(said: str) -> None:
    client = client_of(PROXY, said, TRUSTED)
    assert client == str(ip_address(client))


@given(strangers, claims)
def test_who_is_no_trusted_proxy_says_nothing_of_others(
    peer: IPv4Address | IPv6Address, said: str
) -> None:
    assert client_of(str(peer), said, TRUSTED) == str(peer)
    assert client_of(str(peer), said, ()) == str(peer)


@pytest.mark.parametrize(
    "element",
    [
        "",
        " ",
        "unknown",
        "_hidden",
        "for=203.0.113.9",
        'for="[2001:db8::1]:80";proto=https',
        '"203.0.113.9"',
        "203.0.113.9:",
        "203.0.113.9:http",
        "203.0.113.9:123456",
        "203.0.113.9:80:80",
        "203.0.113",
        "203.0.113.09",
        "203.0.113.256",
        "203.0.113.9%eth0",
        "[203.0.113.9]",
        "[2001:db8::1",
        "2001:db8::1]",
        "[2001:db8::1]443",
        "2001:db8::1::2",
        "fe80::1%",
        "fe80::1%a b",
        "\u0663.1.1.1",
        "203.0.113.9\n",
        "https://203.0.113.9",
        "2001:db8::1" + "%" + "a" * 64,
    ],
)
def test_an_element_that_is_no_address_is_the_peers(element: str) -> None:
    assert read_address(element) is None
    assert client_of(PROXY, f"203.0.113.9,{element}", TRUSTED) == PROXY
    assert client_of(PROXY, f"203.0.113.9,{element},10.0.0.2:80", TRUSTED) == PROXY


def test_a_peer_of_a_server_on_both_families_is_a_trusted_ipv4_proxy() -> None:
    assert client_of("::ffff:10.0.0.1", "203.0.113.9:4711", TRUSTED) == "203.0.113.9"
    assert client_of("::ffff:203.0.113.9", "10.0.0.7", TRUSTED) == "203.0.113.9"


def test_a_network_has_a_form_for_servers_that_see_mapped_addresses() -> None:
    assert list(map(str, with_mapped(TRUSTED))) == [
        "10.0.0.0/8",
        "fd00::/8",
        "::ffff:a00:0/104",
    ]


def test_several_headers_are_one_list_that_is_read_from_its_end() -> None:
    said = ",".join(["198.51.100.1:1", "203.0.113.9:51234", "[fd00::5]:443", "10.0.0.9"])
    assert client_of(PROXY, said, TRUSTED) == "203.0.113.9"


def test_a_list_of_nothing_but_proxies_is_called_by_the_nearest_and_ends_soon() -> None:
    assert client_of(PROXY, "10.0.0.3,10.0.0.2", TRUSTED) == PROXY
    assert client_of(PROXY, "203.0.113.9" + ",10.0.0.2" * HOPS_MAX, TRUSTED) == PROXY


def test_a_peer_without_an_address_is_itself() -> None:
    assert client_of("", "203.0.113.9", TRUSTED) == ""
