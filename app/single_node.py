"""Keeps a second node from starting where no ZooKeeper tells nodes of each other.

A lease in Redis that the node renews; nodes with ZooKeeper hold one together, which keeps out those
without. A node that was killed leaves it to run out, so a start waits for that; one that sees the lease
renewed meanwhile knows that its holder lives.
"""

from __future__ import annotations

import secrets
import sys
import threading
import time
from collections.abc import Callable
from importlib import resources
from typing import Final

import structlog

from app.node import StartError
from sessions.clients import Redis
from sessions.model import SessionError
from sessions.scripts import guarded

KEY: Final = "kf:node"
SHARED: Final = "with ZooKeeper|all"
LEASE_MS: Final = 15_000
RENEW_S: Final = 5.0
WAIT_S: Final = 20.0
POLL_S: Final = 0.25
STOP_S: Final = 3.0

assert RENEW_S * 1000 * 2 < LEASE_MS < WAIT_S * 1000

log = structlog.get_logger(__name__)


def _say(line: str) -> None:
    sys.stdout.write(f"kfring: {line}\n")
    sys.stdout.flush()


class NodeLease:
    """The right of this process to be the only node on a Redis, or (``shared``) one of those with ZooKeeper.

    ``client`` is its own from now on.
    """

    def __init__(
        self,
        client: Redis,
        node_id: str,
        lease_ms: int = LEASE_MS,
        renew_s: float = RENEW_S,
        wait_s: float = WAIT_S,
        *,
        shared: bool = False,
    ) -> None:
        self._client = client
        self._value = SHARED if shared else f"{node_id}|{secrets.token_hex(4)}"
        self._lease_ms, self._renew_s, self._wait_s = lease_ms, renew_s, wait_s
        text = (resources.files("app") / "lua" / "hold_node.lua").read_text(encoding="utf-8")
        self._script = client.register_script(text)
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="node-lease", daemon=True)

    def take(self, say: Callable[[str], None] = _say) -> None:
        """Waits for a dead node's lease to run out, then holds it until ``release``.

        Raises StartError while another node holds it, StoreDown or StoreRefused without Redis.
        """
        deadline, told, least_ms = time.monotonic() + self._wait_s, False, self._lease_ms
        while True:
            holder, left_ms = self._ask(self._lease_ms)
            if holder == self._value:
                break
            # Less is left at each look, unless its holder renews it.
            if (told and left_ms > least_ms) or time.monotonic() > deadline:
                raise StartError(_refusal(holder))
            if not told:
                say(
                    f"waiting for the lease of node {_node_of(holder)}, at most {self._wait_s:.0f} s"
                )
            told, least_ms = True, left_ms
            time.sleep(POLL_S)
        self._thread.start()

    def release(self) -> None:
        """Another node may start at once; a shared one runs out by itself. Never raises."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        try:
            if self._value != SHARED:
                self._ask(0)
        except SessionError as error:
            log.warning("node_lease_not_released", error=type(error).__name__)
        self._client.close()

    def _ask(self, lease_ms: int) -> tuple[str, int]:
        holder, left_ms = guarded(lambda: self._script(keys=[KEY], args=[self._value, lease_ms]))
        return holder, left_ms

    def _renew(self) -> None:
        held = True
        while not self._leaving.wait(self._renew_s):
            try:
                holder, _ = self._ask(self._lease_ms)
            except SessionError as error:
                log.warning("node_lease_not_renewed", error=type(error).__name__)
                continue
            if held and holder != self._value:
                log.error("second_node", holder=_node_of(holder), set="KF_ZOOKEEPER_HOSTS")
            held = holder == self._value


def _node_of(holder: str) -> str:
    return holder.partition("|")[0]


def _refusal(holder: str) -> str:
    return (
        f"node {_node_of(holder)} runs on this Redis already; a second node needs ZooKeeper: "
        "set KF_ZOOKEEPER_HOSTS on every node (or stop the other one)"
    )
