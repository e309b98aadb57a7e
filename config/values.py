"""Small readers of setting values, free of any model."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from pydantic import SecretStr

_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")


def split_list(text: str) -> list[str]:
    """The parts of a comma list, without blanks."""
    return [part.strip() for part in text.split(",") if part.strip()]


def is_loopback(host: str) -> bool:
    """Whether `host` (name or address to listen on) is this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_http_url(url: str) -> bool:
    """Whether `url` is an absolute http(s) address without query, fragment or login."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (reading it checks the number)
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and not (parts.query or parts.fragment or parts.username or parts.password)
    )


def folder_of(url: str | None) -> str:
    """Return the path of an address without its last slash: "/kf", or "" for the whole host."""
    return urlsplit(url or "").path.rstrip("/")


def has_scheme(url: str, schemes: tuple[str, ...]) -> bool:
    """Whether `url` begins with one of `schemes` and names something after it."""
    scheme, separator, rest = url.partition("://")
    return bool(separator) and scheme in schemes and bool(rest)


def revealed(secret: SecretStr | None) -> str:
    """A secret's text, "" where there is none."""
    return secret.get_secret_value() if secret else ""


def is_login(secret: SecretStr) -> bool:
    """Whether `secret` is `user:password`."""
    user, separator, password = secret.get_secret_value().partition(":")
    return bool(user and separator and password)


def has_port(url: str) -> bool:
    """Whether the port of `url`, where it names one server and a port, is one."""
    if "," in url or "+" in url.partition("://")[0].removesuffix("+psycopg"):
        return True
    try:
        urlsplit(url).port  # noqa: B018  (reading it checks the number)
    except ValueError:
        return False
    return True


def is_zookeeper_list(hosts: str) -> bool:
    """Whether `hosts` is `host[:port],host[:port][/chroot]`."""
    servers, slash, chroot = hosts.partition("/")
    if slash and (not chroot or chroot.endswith("/")):
        return False
    return all(_HOST_PORT.fullmatch(part.strip()) for part in servers.split(","))
