"""The reason why a server is unreachable: its name, its port, the route, or its certificate."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import certifi

TIMEOUT_S: Final = 3.0
PORTS: Final = {
    "http": 80,
    "https": 443,
    "redis": 6379,
    "rediss": 6379,
    "postgres": 5432,
    "postgresql": 5432,
    "zookeeper": 2181,
}
TLS: Final = frozenset({"https", "rediss"})

CHAIN_STEP: Final = (
    "let the server send the whole chain (fullchain.pem, not cert.pem), from a public authority"
)
PUBLIC_STEP: Final = "get a certificate of a public authority (ACME); WeChat trusts no other"
_CERTIFICATES: Final[dict[int, tuple[str, str]]] = {
    # OpenSSL's verify code: (reason, next step)
    9: ("it is not valid yet", "set this machine's clock, or get a new certificate"),
    10: ("it has expired", "renew it, and see why that did not happen by itself"),
    18: ("it is self-signed", PUBLIC_STEP),
    19: ("its chain ends at an authority that nobody knows", PUBLIC_STEP),
    20: ("its chain is incomplete, or its issuer is unknown", CHAIN_STEP),
    21: ("its chain is incomplete, or its issuer is unknown", CHAIN_STEP),
    62: ("it is for another host", "get one for this name, or call the server by the name in it"),
    64: ("it is for another host", "call the server by the name in its certificate"),
}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """The reason, and the next step."""

    what: str
    step: str


def obstacle(url: str, timeout_s: float = TIMEOUT_S) -> Obstacle:
    """Return why the server of a URL is unreachable, by opening a connection only."""
    parts = urlsplit(url)
    scheme = parts.scheme.partition("+")[0]
    host, port = parts.hostname or "", parts.port or PORTS.get(scheme, 0)
    place = f"{host}:{port}"
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            if scheme in TLS:
                _shake_hands(connection, host)
    except ssl.SSLCertVerificationError as error:
        reason, step = _CERTIFICATES.get(error.verify_code, (error.verify_message, CHAIN_STEP))
        return Obstacle(f"the certificate of {place} is not trusted: {reason}", step)
    except TimeoutError:
        return _silent(place, timeout_s)
    except ssl.SSLError:
        return Obstacle(f"{place} speaks no TLS", "correct the scheme or the port of the address")
    except (socket.gaierror, UnicodeError):
        step = "correct the name, or its DNS record, or this machine's name servers"
        return Obstacle(f"the name {host} is unknown", step)
    except ConnectionRefusedError:
        step = "start it there, or correct the port; a firewall may refuse it, too"
        return Obstacle(f"{place} refuses connections", step)
    except OSError as error:
        step = "check this machine's network and routes"
        return Obstacle(f"{place} cannot be reached: {error.strerror or 'cut off'}", step)
    step = "see whether it hangs, and its log"
    return Obstacle(f"{place} takes connections and gives no usable answer", step)


def _shake_hands(connection: socket.socket, host: str) -> None:
    context = ssl.create_default_context(cafile=certifi.where())
    with context.wrap_socket(connection, server_hostname=host):
        pass


def _silent(place: str, timeout_s: float) -> Obstacle:
    step = "look for a firewall that drops packets, and whether the server hangs"
    return Obstacle(f"{place} does not answer within {timeout_s:g} s", step)
