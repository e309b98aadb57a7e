"""Keeps nodes from one Redis that would not hear of each other: all of them have ZooKeeper, or there is one.

A lease in Redis that each node renews. A node that was killed leaves it to run out, so a start waits for
that; one that sees the lease renewed meanwhile knows that its holder lives.
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

from app.node.context import StartError
from sessions.model import SessionError
from sessions.store.clients import Redis
from sessions.store.scripts import guarded

KEY: Final = "kf:nodes"
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
    """The right of this process to be a node on a Redis. ``client`` is its own from now on.

    ``alone``: it has no ZooKeeper, so that it must be the only one.
    """

    def __init__(
        self,
        client: Redis,
        node_id: str,
        *,
        alone: bool,
        lease_ms: int = LEASE_MS,
        renew_s: float = RENEW_S,
        wait_s: float = WAIT_S,
    ) -> None:
        self._client = client
        self._alone = alone
        self._place = f"{node_id}|{secrets.token_hex(4)}|{'alone' if alone else 'many'}"
        self._lease_ms, self._renew_s, self._wait_s = lease_ms, renew_s, wait_s
        text = (resources.files("app.node") / "lua" / "hold_node.lua").read_text(encoding="utf-8")
        self._script = client.register_script(text)
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="node-lease", daemon=True)

    def take(self, say: Callable[[str], None] = _say) -> None:
        """Waits for a dead node's lease to run out, then holds it until ``release``.

        Raises StartError while a node runs that excludes this one, StoreDown or StoreRefused without
        Redis.
        """
        deadline, told, least_ms = time.monotonic() + self._wait_s, False, self._lease_ms
        while True:
            other, left_ms = self._ask(self._lease_ms)
            if not other:
                break
            # Less is left at each look, unless its holder renews it.
            if (told and left_ms > least_ms) or time.monotonic() > deadline:
                raise StartError(self._refusal(other))
            if not told:
                say(
                    f"waiting for the lease of node {_node_of(other)}, at most {self._wait_s:.0f} s"
                )
            told, least_ms = True, left_ms
            time.sleep(POLL_S)
        self._thread.start()

    def release(self) -> None:
        """Another node may start at once. Never raises."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        try:
            self._ask(0)
        except SessionError as error:
            log.warning("node_lease_not_released", error=type(error).__name__)
        self._client.close()

    def _ask(self, lease_ms: int) -> tuple[str, int]:
        """Who excludes this node ("" nobody), and for how long at most."""
        got = guarded(lambda: self._script(keys=[KEY], args=[self._place, lease_ms]))
        return (got[0], got[1]) if got else ("", 0)

    def _renew(self) -> None:
        held = True
        while not self._leaving.wait(self._renew_s):
            try:
                other, _ = self._ask(self._lease_ms)
            except SessionError as error:
                log.warning("node_lease_not_renewed", error=type(error).__name__)
                continue
            if held and other:
                log.error("second_node", holder=_node_of(other), set="KF_ZOOKEEPER_HOSTS")
            held = not other

    def _refusal(self, other: str) -> str:
        begin = f"node {_node_of(other)} runs on this Redis already"
        if not self._alone:
            return (
                f"{begin}, without ZooKeeper; set KF_ZOOKEEPER_HOSTS there as well (or stop it), "
                "then start this one"
            )
        if _is_alone(other):
            return (
                f"{begin}; a second node needs ZooKeeper: "
                "set KF_ZOOKEEPER_HOSTS on every node (or stop the other one)"
            )
        return f"{begin}, with ZooKeeper; set KF_ZOOKEEPER_HOSTS here as well"


def _node_of(place: str) -> str:
    return place.partition("|")[0]


def _is_alone(place: str) -> bool:
    return place.endswith("|alone")
