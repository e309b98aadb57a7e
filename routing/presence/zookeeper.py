"""Presence in ZooKeeper: ephemeral nodes, so that a process that dies takes its word with it.

One client and one keeper thread serve all official accounts of a process.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from routing.presence.connection import Connection, Link, check_hosts
from routing.presence.interface import State
from routing.presence.nodes import holder_of
from routing.presence.register import Register, Unreachable

log = logging.getLogger(__name__)

SESSION_TIMEOUT_S: Final = 10.0
CLOSE_LIMIT_S: Final = 3.0
REREAD_S: Final = 30.0
"""Everything is read again this often, because a watch may die without a word."""

TICKS_PER_SESSION: Final = 4
"""How often the keeper looks at its clocks when nothing wakes it."""


class ZooKeeperHub:
    """All presence of one process. ``hosts`` as "host:port,host:port", ``node_id`` names the process.

    With ``login`` "user:password" nobody else reads or writes what it makes; "" = everybody may.
    Nothing is connected before the first ``presence``, and a child made by fork gets a client of its own with
    its first call. Raises ValueError for hosts that cannot be read.
    """

    def __init__(
        self,
        hosts: str,
        node_id: str,
        timeout_s: float = SESSION_TIMEOUT_S,
        reread_s: float = REREAD_S,
        login: str = "",
    ) -> None:
        check_hosts(hosts)
        self.reread_s = reread_s
        self._hosts, self._node_id, self._timeout_s = hosts, node_id, timeout_s
        self._login = login
        self._lock = threading.Lock()
        self._registers: Mapping[str, Register] = {}
        self._news = threading.Event()
        self._closing = threading.Event()
        self._connection: Connection | None = None
        self._keeper: threading.Thread | None = None
        self._pid = 0

    def presence(self, appid: str) -> Register:
        """The presence of one official account; the same object each time."""
        with self._lock:
            known = self._registers.get(appid)
            if known is None:
                known = Register(self, appid)
                self._registers = {**self._registers, appid: known}
        self.wake()
        return known

    def state(self) -> State:
        connection = self._connection
        return connection.state() if connection else "lost"

    def since_s(self) -> float:
        """Seconds since the connection came or went."""
        connection = self._connection
        return time.monotonic() - connection.link.since if connection else 0.0

    def wake(self) -> None:
        """Has the keeper look, and starts it where it does not run yet. Never waits."""
        if self._pid != os.getpid() and not self._closing.is_set():
            self._start()
        self._news.set()

    def close(self) -> None:
        """Removes all nodes and ends the session; returns after CLOSE_LIMIT_S even if kazoo does not."""
        self._closing.set()
        self._news.set()
        if self._keeper is not None and self._pid == os.getpid():
            self._keeper.join(CLOSE_LIMIT_S)

    def _start(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self._pid, self._connection = os.getpid(), None
            holder = holder_of(self._node_id, secrets.token_hex(4))
            self._keeper = threading.Thread(
                target=self._run, args=(holder,), name="presence", daemon=True
            )
            self._keeper.start()

    def _run(self, holder: str) -> None:
        self._connection = self._connect(Link(False, False, time.monotonic(), 0))
        while not self._closing.is_set():
            self._news.wait(self._timeout_s / TICKS_PER_SESSION)
            self._news.clear()
            self._connection = self._renewed(self._connection)
            self._round(self._connection, holder)
        for register in self._registers.values():
            register.stand_for_nobody()
        self._round(self._connection, holder)
        self._connection.stop()

    def _round(self, connection: Connection, holder: str) -> None:
        """One look at everything. Whatever fails is tried again; the thread lives on."""
        registers = self._registers.values()
        try:
            for register in registers:
                if connection.link.connected:
                    register.keep(connection, holder)
        except Unreachable as error:
            log.warning("presence is not up to date: %s", error)
        except Exception:
            log.exception("presence is not up to date")
        for register in registers:
            if connection.state() == "lost":
                register.lose_sight()
            register.tell()

    def _connect(self, link: Link) -> Connection:
        return Connection(self._hosts, self._login, self._timeout_s, self._news.set, link)

    def _renewed(self, connection: Connection) -> Connection:
        """The connection, or a fresh one in place of one that gets nowhere."""
        if not connection.worn_out():
            return connection
        threading.Thread(target=connection.stop, name="presence-stop", daemon=True).start()
        return self._connect(replace(connection.link, session_kept=False))
