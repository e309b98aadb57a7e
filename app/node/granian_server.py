"""granian as this node's server: HTTP in Rust, the application in one worker process of many threads.

The worker builds the application after the fork, so that no client of Redis, ZooKeeper or the
database is shared between processes. Why it is the default: docs/performance.md.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from granian.server import MPServer

from app.forwarded import is_trusted, read_address
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

IDLE_THREAD_S: Final = 30
RESTARTS_MAX: Final = 5
RESTART_WINDOW_S: Final = 60.0
EXIT_REFUSED: Final = 4
"""The worker's status after a StartError, which it has told already."""


class Server(MPServer):  # type: ignore[misc]
    """Serve `hooks.build`'s application until a signal ends the process."""

    def __init__(
        self,
        host: str,
        port: int,
        threads: int,
        connections: int,
        trusted: Sequence[Network],
        hooks: Hooks,
    ) -> None:
        super().__init__(
            "kfring",
            address=host,
            port=port,
            interface="wsgi",
            http="1",
            websockets=False,
            workers=1,
            blocking_threads=threads,
            blocking_threads_idle_timeout=IDLE_THREAD_S,
            backpressure=connections,
            backlog=BACKLOG,
            workers_kill_timeout=GRACEFUL_S,
            log_enabled=False,
        )
        self._hooks = hooks
        self._trusted = trusted
        self._launcher = os.getpid()
        self._draining = multiprocessing.Event()
        self._restarts: list[float] = []

    def run(self) -> None:
        """Serve; leaves with SystemExit where the worker could not start."""
        multiprocessing.set_start_method("fork", force=True)  # the hooks are closures
        self.serve(spawn_target=self._work, target_loader=self._load, wrap_loader=False)

    def signal_handler_interrupt(self, *_: Any) -> None:
        """Drain; a second signal ends the wait."""
        if self.interrupt_signal:
            for worker in self.wrks:
                worker.kill()
        super().signal_handler_interrupt()

    signal_handler_reload = signal_handler_interrupt

    def _work(self, *args: Any) -> None:
        """The worker process, from its fork to its end."""
        tie_to_parent(self._launcher)
        # A terminal or a service manager may send these to every process; the launcher passes on
        # one SIGTERM. Blocked in every thread, not ignored: granian sets handlers of its own.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGHUP, signal.SIGTERM))
        self._hooks.forked()
        try:
            self._spawn_wsgi_worker(*args)
        finally:
            self._hooks.leave()

    def _load(self) -> WsgiApp:
        try:
            application = self._hooks.build(self._draining.is_set)
        except StartError as error:
            report(error)
            sys.exit(EXIT_REFUSED)
        if self._draining.is_set():
            sys.exit()
        threading.Thread(target=self._stop_once, name="stop", daemon=True).start()
        return _as_behind_proxies(application, self._trusted)

    def _stop_once(self) -> None:
        """Call granian's handler for the first SIGTERM: called twice it may never return."""
        signal.sigwait((signal.SIGTERM,))
        while (stop := signal.getsignal(signal.SIGTERM)) == self.signal_handler_interrupt:
            time.sleep(START_POLL_S)  # the launcher's, from before the fork: granian is not so far
        if callable(stop):
            stop(signal.SIGTERM, None)

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        """Looks after the worker and, through `watch`, after everything else."""
        starting = True
        while not self.interrupt_signal:
            self.main_loop_interrupt.wait(START_POLL_S if starting else WATCH_S)
            if self.interrupt_children and not self._may_restart():
                return
            if self.interrupt_children and not self.interrupt_signal:
                self.interrupt_children.clear()
                self.main_loop_interrupt.clear()
                self._respawn_workers([0], spawn_target, target_loader)
            try:
                starting = self._hooks.watch()
            except StartError as error:
                report(error)
                return

    def _may_restart(self) -> bool:
        """Not one that refused to start, nor one that dies again and again."""
        now = time.monotonic()
        self._restarts = [at for at in self._restarts if now - at < RESTART_WINDOW_S] + [now]
        refused = self.wrks[0].inner.exitcode == EXIT_REFUSED
        return not refused and len(self._restarts) <= RESTARTS_MAX

    def _stop_workers(self) -> None:
        self._draining.set()
        super()._stop_workers()


def _as_behind_proxies(application: WsgiApp, trusted: Sequence[Network]) -> WsgiApp:
    """Sets the scheme a trusted proxy tells, as gunicorn does, and the Server header."""

    def called(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        def named(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start(status, [*headers, ("Server", SERVER_NAME)], exc_info)

        if environ.get("HTTP_X_FORWARDED_PROTO") == "https" and is_trusted(
            read_address(environ["REMOTE_ADDR"]), trusted
        ):
            environ["wsgi.url_scheme"] = "https"
        answer: Iterable[bytes] = application(environ, named)
        return answer

    return called
