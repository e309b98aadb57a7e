"""Starts one node in the foreground: settings, data folder, embedded server, gunicorn, links."""

from __future__ import annotations

import errno
import http.client
import os
import socket
import sys
import time
from collections.abc import Callable
from importlib import import_module
from ipaddress import ip_network
from typing import Any

from app.node.banner import page
from app.node.context import DemoAccount, NodeContext, StartError
from app.node.data_lock import DataLock
from app.node.embedded_store import EmbeddedServer
from app.node.generated import ADMIN_SHOWN, keep_demo, keep_secrets, mark_admin
from app.node.one_core import ONE_CORE
from app.node.open_files import FILES_LEAST, FilePlan, planned, raise_limit
from app.node.serving import Application, Hooks, Server, WsgiApp, report
from app.node.tuning import one_stock_for_all_threads, permanent
from config.settings import Settings, SettingsError, load_settings

EXIT_START = 1
EXIT_SETTINGS = 2
EXIT_INTERRUPTED = 130
SLOW_START_S = 30.0
PROBE_S = 1.0
RESTARTS_MAX = 5  # of the embedded server within RESTART_WINDOW_S; more means a lasting fault
RESTART_WINDOW_S = 60.0
LOOPBACK = (ip_network("127.0.0.1"), ip_network("::1"))


def serve(load: Callable[[], Application]) -> int:
    """Run a node until it is told to stop; the process's exit status.

    `load` imports the application, while the embedded store starts.
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        report(StartError("\n".join(f"setting {line}" for line in error.lines)))
        return EXIT_SETTINGS
    for warning in settings.warnings:
        report(StartError(f"note: {warning}"))
    launcher = Launcher(settings, load)
    try:
        return launcher.run()
    except StartError as error:
        report(error)
        return EXIT_START
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    finally:
        launcher.close()


class Launcher:
    """The pieces of one running node, in the process that holds them all."""

    def __init__(self, settings: Settings, load: Callable[[], Application]) -> None:
        self._settings = settings
        self._load = load
        self._pid = os.getpid()
        self._embedded: EmbeddedServer | None = None
        self._lock: DataLock | None = None
        self._demo: DemoAccount | None = None
        self._ready = False
        self._slow_after = time.monotonic() + SLOW_START_S
        self._restarts: list[float] = []

    def run(self) -> int:
        """Serve until a signal comes. Raises StartError before anything is served."""
        self._files = self._plan_of_files()
        settings = self._settings
        say(f"kfring: starting, data in {settings.data_dir}")
        self._lock = DataLock.acquire(settings.data_dir)
        check_port_free(settings.host, settings.port)
        self._kept = keep_secrets(settings.data_dir)
        self._demo = keep_demo(settings.data_dir) if settings.demo else None
        self._start_store_and_load(self._lock)
        say(f"kfring: starting the server on {self._base_url}")
        end = self._application.shutdown
        server = self._server(Hooks(self._build, end, self._after_fork, self._watch))
        try:
            server.run()
        except SystemExit as leave:
            return leave.code if isinstance(leave.code, int) else EXIT_START
        return 0

    def _plan_of_files(self) -> FilePlan:
        """Raise the limit of open files, and lower the streams where it is too small for them."""
        settings, limit = self._settings, raise_limit()
        accounts = max(1, len(settings.accounts))
        plan = planned(limit, settings.streams_max, settings.thread_count, accounts)
        if plan is None:
            raise StartError(
                f"only {limit} files may be open, and a node needs {FILES_LEAST} and more for several "
                "accounts; raise the hard limit (ulimit -n, systemd: LimitNOFILE=)"
            )
        if plan.streams < settings.streams_max:
            report(
                StartError(
                    f"note: KF_STREAMS_MAX {settings.streams_max} is lowered to {plan.streams}, as only "
                    f"{limit} files may be open (ulimit -n, systemd: LimitNOFILE=)"
                )
            )
            self._settings = settings.model_copy(update={"streams_max": plan.streams})
        return plan

    def close(self) -> None:
        """Stop what this process started; nothing in a worker, which passes here too."""
        if os.getpid() == self._pid and self._embedded is not None:
            self._embedded.stop()
            say("kfring: stopped")

    def _server(self, hooks: Hooks) -> Server:
        """Imported now, as its allocator reads its settings when it is loaded."""
        settings = self._settings
        one_stock_for_all_threads()
        make: Any = import_module(f"app.node.{settings.server}_server").Server
        trusted = settings.trusted_proxies or LOOPBACK
        made: Server = make(
            settings.host.strip("[]"),
            settings.port,
            settings.thread_count,
            self._files.connections,
            trusted,
            hooks,
        )
        return made

    @property
    def _base_url(self) -> str:
        return f"http://{_bracketed(_reachable(self._settings.host))}:{self._settings.port}"

    def _start_store_and_load(self, lock: DataLock) -> None:
        """The embedded store, where there is one, starts while the application is imported."""
        settings, began = self._settings, time.monotonic()
        if settings.redis_url is None:
            self._embedded = EmbeddedServer(
                settings.data_dir, lock.descriptor, settings.appendfsync
            )
            self._embedded.launch()
        with permanent():
            self._application = self._load()
        if self._embedded is not None:
            self._embedded.await_ready()
            say(f"kfring: embedded store ready after {time.monotonic() - began:.1f} s")

    def _build(self, draining: Callable[[], bool]) -> WsgiApp:
        with permanent():
            return self._application.create_wsgi(self._settings, self._context(draining))

    def _context(self, draining: Callable[[], bool]) -> NodeContext:
        settings, kept = self._settings, self._kept
        outside = settings.redis_url.get_secret_value() if settings.redis_url else ""
        return NodeContext(
            redis_url=self._embedded.url if self._embedded else outside,
            embedded=self._embedded is not None,
            draining=draining,
            base_url=self._base_url,
            demo=self._demo,
            node_id=settings.node_id or kept.node_id,
            secret_key=kept.secret_key,
            admin_password=settings.admin_password or kept.admin_password,
            redis_connections=self._files.redis,
        )

    def _after_fork(self) -> None:
        if ONE_CORE.keep():
            ONE_CORE.watch()
        if self._embedded is not None:
            self._embedded.after_fork()

    def _watch(self) -> bool:
        """Look after the embedded server; print the page once the node answers."""
        self._revive_embedded()
        if self._ready:
            return False
        if answers(_reachable(self._settings.host), self._settings.port):
            self._ready = True
            self._announce()
        elif time.monotonic() > self._slow_after:
            self._slow_after += SLOW_START_S
            say("kfring: still starting, the server does not answer yet")
        return not self._ready

    def _announce(self) -> None:
        kept = keep_secrets(self._settings.data_dir)  # the worker may have made the first admin
        for line in page(self._settings, self._base_url, self._demo, kept):
            say(line)
        if kept.admin_made and not kept.admin_shown:
            mark_admin(self._settings.data_dir, ADMIN_SHOWN)

    def _revive_embedded(self) -> None:
        if self._embedded is None or self._embedded.alive():
            return
        now = time.monotonic()
        self._restarts = [at for at in self._restarts if now - at < RESTART_WINDOW_S] + [now]
        if len(self._restarts) > RESTARTS_MAX:
            raise StartError("the embedded store keeps dying; see redis/server.log.1")
        say("kfring: the embedded store died and is started again")
        self._embedded.start()


def check_port_free(host: str, port: int) -> None:
    """Raises StartError when `port` cannot be listened on, naming what to change."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror:
        raise StartError(f"HOST {host} is no address of this machine") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"port {port} on {host} is in use by another program; choose another PORT"
        else:
            reason = f"cannot listen on {host}:{port}: {error.strerror}; see HOST and PORT"
        raise StartError(reason) from None


def answers(host: str, port: int) -> bool:
    """Whether /healthz says 200."""
    connection = http.client.HTTPConnection(host, port, timeout=PROBE_S)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def say(line: str) -> None:
    """A line for the person at the terminal, at once even where stdout is a file."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _reachable(host: str) -> str:
    """An address of this machine for a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host.strip("[]"))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
