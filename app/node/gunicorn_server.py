"""gunicorn as this node's server: one worker process of many threads, started from our own code.

The worker builds the application after the fork, so that no client of Redis, ZooKeeper or the
database is shared between processes.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.http import wsgi as gunicorn_wsgi
from gunicorn.workers.gthread import ThreadWorker

from app.forwarded import with_mapped
from app.node.context import StartError
from app.node.lifeline import tie_to_parent
from app.node.serving import (
    BACKLOG,
    GRACEFUL_S,
    SERVER_NAME,
    START_POLL_S,
    WATCH_S,
    Hooks,
    Network,
    WsgiApp,
    report,
)

WORKER_TIMEOUT_S = 120  # longer than a start may wait for the database
KEEPALIVE_S = 5


class ClosingResponse(gunicorn_wsgi.Response):  # type: ignore[misc]
    """gunicorn's response that closes the connection where the application asks for it."""

    def process_headers(self, headers: Sequence[tuple[str, str]]) -> None:
        """Close the connection after an answer with ``Connection: close``; gunicorn drops that header."""
        if any(name.lower() == "connection" and value == "close" for name, value in headers):
            self.force_close()
        super().process_headers(headers)


gunicorn_wsgi.SERVER = SERVER_NAME
gunicorn_wsgi.Response = ClosingResponse


class Server(BaseApplication):  # type: ignore[misc]
    """Serve `hooks.build`'s application on `bind` until a signal ends the process."""

    def __init__(
        self,
        host: str,
        port: int,
        threads: int,
        connections: int,
        trusted: Sequence[Network],
        hooks: Hooks,
    ) -> None:
        self._options = {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "worker_class": NodeWorker,
            "workers": 1,
            "threads": threads,
            "worker_connections": connections,
            "graceful_timeout": GRACEFUL_S,
            "timeout": WORKER_TIMEOUT_S,
            "keepalive": KEEPALIVE_S,
            "backlog": BACKLOG,
            "max_requests": 0,
            "control_socket_disable": True,
            "accesslog": None,
            "loglevel": "warning",
            "forwarded_allow_ips": ",".join(map(str, with_mapped(trusted))),
            "forwarder_headers": "",  # where we are mounted is no header's to say
            "proc_name": "kfring",
            "post_fork": self._post_fork,
            "post_worker_init": self._post_worker_init,
            "worker_exit": self._worker_exit,
        }
        self.hooks = hooks
        self._worker: Any = None
        self._launcher = os.getpid()
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> WsgiApp:
        worker = self._worker
        try:
            return self.hooks.build(lambda: not worker.alive)
        except StartError as error:
            report(error)
            sys.exit(Arbiter.APP_LOAD_ERROR)

    def run(self) -> None:
        """Serve; leaves with SystemExit in the launcher's and in every worker process."""
        logging.getLogger("gunicorn.error").addFilter(_not_about_start_errors)
        NodeArbiter(self).run()

    def _post_fork(self, _arbiter: Arbiter, worker: Any) -> None:
        tie_to_parent(self._launcher)
        self._worker = worker
        self.hooks.forked()

    def _post_worker_init(self, _worker: Any) -> None:
        # A terminal sends these to every process at once; the launcher passes on one SIGTERM.
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    def _worker_exit(self, _arbiter: Arbiter, worker: Any) -> None:
        if worker.pid == os.getpid():
            self.hooks.leave()


class NodeWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's thread worker that shuts its door when it is asked to leave.

    gunicorn stops accepting but keeps the listening socket: who connects meanwhile waits for nothing until
    their time-out. Here the waiting ones are taken in and the door is closed; a proxy tries the next node.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                self._take_all(listener)
                listener.close()

    def _take_all(self, listener: Any) -> None:
        before = -1
        while self.nr_conns > before:
            before = self.nr_conns
            self.accept(listener)


class NodeArbiter(Arbiter):  # type: ignore[misc]
    """gunicorn's main loop with one worker for ever, a gentle Ctrl-C, and a look at `watch`."""

    _starting = True

    def handle_int(self) -> None:
        raise StopIteration  # drain as for SIGTERM; a second Ctrl-C ends the wait

    handle_hup = handle_quit = handle_int

    def handle_ttin(self) -> None:
        """Ignored: a second worker would be a second node on the same data."""

    handle_ttou = handle_usr2 = handle_winch = handle_ttin

    def wait_for_signals(self, timeout: float = WATCH_S) -> list[int]:
        signals: list[int] = super().wait_for_signals(START_POLL_S if self._starting else timeout)
        return signals

    def murder_workers(self) -> None:
        super().murder_workers()
        try:
            self._starting = self.app.hooks.watch()
        except StartError as error:
            report(error)
            raise StopIteration from None


def _not_about_start_errors(record: logging.LogRecord) -> bool:
    """Drop gunicorn's own lines about an application that already said why it cannot start."""
    args = record.args if isinstance(record.args, tuple) else ()
    boot = str(record.msg).startswith("Worker") and Arbiter.APP_LOAD_ERROR in args
    return not (boot or str(record.msg).startswith(("Shutting down", "Reason: %s")))
