"""Calls to addresses that others name (a video's URL, the team's webhook), which must not lead inside.

A name is resolved once, every address of it is checked, and the connection goes to a checked one: a second
look-up could answer otherwise. The Host header, SNI and the check of the certificate go by the name.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from app.wechat.http import READ_S, Answer, NotConnected, exchange, new_http

Resolver = Callable[[str, int], Sequence[str]]

PORTS: Final = {"http": 80, "https": 443}
NAT64: Final = IPv6Network("64:ff9b::/96")
"""The last 32 bits are the IPv4 address that is reached by it."""

GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
SIX_TO_FOUR: Final = IPv6Network("2002::/16")
ADDRESSES_MOST: Final = 4
"""So many addresses of one name are tried."""


class AddressRefused(NotConnected):
    """The address is none that may be called; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Target:
    """What an absolute URL names."""

    parts: SplitResult
    host: str
    port: int

    def at(self, address: str) -> str:
        """Return the URL with an address in the place of the name."""
        place = f"[{address}]" if ":" in address else address
        return self.parts._replace(netloc=f"{place}:{self.port}", fragment="").geturl()

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == PORTS[self.parts.scheme] else f"{name}:{self.port}"


def by_system(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host. Raises OSError, UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class Outbound:
    """Calls what others name; private hosts only where the operator lists or names them.

    Public addresses are called by the proxy where there is one, private ones directly.
    """

    def __init__(
        self,
        private_hosts: frozenset[str] = frozenset(),
        proxy: str = "",
        resolve: Resolver = by_system,
    ) -> None:
        self._private_hosts = private_hosts
        self._proxy = proxy
        self._resolve = resolve

    def call(
        self,
        method: str,
        url: str,
        read_s: float = READ_S,
        *,
        by_operator: bool = False,
        headers: dict[str, str] | None = None,
        **content: Any,
    ) -> Answer:
        """Make one request without redirects. Raises AddressRefused, NotConnected, OutcomeUnknown.

        ``by_operator``: the URL is from the settings, and may lead inside.
        """
        target = read_target(url)
        addresses = self._addresses(target)
        inside = not all(map(is_public, addresses))
        if inside and not by_operator and target.host not in self._private_hosts:
            raise AddressRefused("the address leads to a place that is not public")
        headers = {**(headers or {}), "Host": target.host_header}
        failure = NotConnected("no address")
        with new_http(1, "" if inside else self._proxy, target.host) as http:
            for address in addresses[:ADDRESSES_MOST]:
                try:
                    url = target.at(address)
                    return exchange(http, method, url, read_s=read_s, headers=headers, **content)
                except NotConnected as error:
                    failure = error
        raise failure

    def _addresses(self, target: Target) -> Sequence[str]:
        try:
            return self._resolve(target.host, target.port)
        except (OSError, UnicodeError, ValueError):
            raise NotConnected("the name is unknown") from None


def read_target(url: str) -> Target:
    """Return what a URL names. Raises AddressRefused for what is no http(s) URL with a host."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressRefused("not an address") from None
    if parts.scheme not in PORTS or not host:
        raise AddressRefused("not an http address")
    return Target(parts, host, port or PORTS[parts.scheme])


def same_origin(url: str, other: str) -> bool:
    """Return whether two URLs name the same scheme, host and port."""
    try:
        one, two = read_target(url), read_target(other)
    except AddressRefused:
        return False
    return (one.parts.scheme, one.host, one.port) == (two.parts.scheme, two.host, two.port)


def is_public(text: str) -> bool:
    """Return whether an address is of the public internet, by whatever form it leads there."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        inner = _embedded(address)
        if inner is None:
            unicast = address in GLOBAL_UNICAST and address not in SIX_TO_FOUR
            return unicast and address.is_global
        address = inner
    return address.is_global and not address.is_multicast


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that is reached by an IPv6 address of the mapped or the NAT64 form."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped
