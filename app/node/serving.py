"""What the launcher and a WSGI server agree on, whichever server it is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final, Protocol

from app.node.context import NodeContext, StartError
from config.settings import Settings

GRACEFUL_S: Final = 20
BACKLOG: Final = 1024
START_POLL_S: Final = 0.1
WATCH_S: Final = 1.0
SERVER_NAME: Final = "kfring"
"""The Server header: it names no product that has known holes."""

WsgiApp = Callable[..., Any]
Network = IPv4Network | IPv6Network


class Application(Protocol):
    """What the launcher runs; both are called in the worker process."""

    def create_wsgi(self, settings: Settings, node: NodeContext, /) -> WsgiApp:
        """The application, ready to answer. Raises StartError."""

    def shutdown(self) -> None:
        """Ends what ``create_wsgi`` started."""


class Server(Protocol):
    """``Server(host, port, threads, connections, trusted, hooks)`` of one of the server modules.

    It holds so many connections at most; further ones wait in the system's queue."""

    def run(self) -> None:
        """Serve until a signal ends the process; SystemExit where the worker could not start."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the launcher does around the server.

    `build(draining)` makes the WSGI application in the worker; `leave` runs as the worker goes;
    `forked` at its very start; `watch` in the launcher's process about once a second, answering
    whether the server is still starting.
    """

    build: Callable[[Callable[[], bool]], WsgiApp]
    leave: Callable[[], None]
    forked: Callable[[], None]
    watch: Callable[[], bool]


def report(error: StartError) -> None:
    """One line of stderr per sentence."""
    for line in str(error).splitlines():
        sys.stderr.write(f"kfring: {line}\n")
    sys.stderr.flush()
