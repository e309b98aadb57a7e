"""Which client a request comes from, where proxies stand between.

Each proxy appends to ``X-Forwarded-For`` whom it was called by, so the list is read from its end: the
first address that is no trusted proxy is the client. What stands further left is the client's own claim.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

HOPS_MAX: Final = 16
PART_MAX_CHARS: Final = 64
PORT: Final = r"(?::[0-9]{1,5})?"
IPV6: Final = r"([0-9A-Fa-f]*:[0-9A-Fa-f:.]*)(?:%[A-Za-z0-9._~-]+)?"
FORMS: Final = (
    re.compile(rf"([0-9.]+){PORT}"),  # 192.0.2.7:51234
    re.compile(rf"\[{IPV6}\]{PORT}"),  # [2001:db8::1]:443
    re.compile(IPV6),  # 2001:db8::1, whose last group is no port
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def client_of(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the address of the client; the peer's where a proxy's word is missing or unreadable.

    ``forwarded_for`` is the whole list, several headers joined by commas. One address has one spelling,
    so that a counter per address cannot be evaded by another one.
    """
    near = read_address(peer)
    if near is None:
        return peer
    if not is_trusted(near, trusted):
        return str(near)
    for hop in reversed(forwarded_for.split(",")[-HOPS_MAX:]):
        address = read_address(hop.strip(" \t"))
        if address is None:
            return str(near)
        if not is_trusted(address, trusted):
            return str(address)
    return str(near)


def read_address(text: str) -> Address | None:
    """Return the IP address in one element, with or without port, brackets and zone; None for anything else.

    The zone is left out, and an IPv4 address mapped into IPv6 is read as IPv4: a server that listens
    on ``::`` sees all its IPv4 peers so.
    """
    if len(text) > PART_MAX_CHARS:
        return None
    found = next((match for form in FORMS if (match := form.fullmatch(text))), None)
    try:
        address = ip_address(found[1]) if found else None
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_trusted(address: Address | None, trusted: Sequence[Network]) -> bool:
    """Return whether one of the networks holds the address."""
    return address is not None and any(address in network for network in trusted)


def with_mapped(networks: Sequence[Network]) -> list[Network]:
    """Return the networks and the IPv6 form of each IPv4 one, for a server that compares them literally."""
    mapped = [
        IPv6Network(f"::ffff:{network.network_address}/{96 + network.prefixlen}")
        for network in networks
        if network.version == 4
    ]
    return [*networks, *mapped]
