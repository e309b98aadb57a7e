"""Presence of one official account, kept as nodes in a tree that several processes write and watch.

Callers only edit whom this process wants to stand for; the keeper's thread calls ``keep`` and makes the tree
agree. The connection is handed in, so nothing here knows a client library.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from routing.presence.interface import ANNOUNCE_WAIT_MAX_S, PresenceHealth, State
from routing.presence.nodes import agents_in, held_in, name_of, path_of

log = logging.getLogger(__name__)

RETRY_S: Final = 1.0
STALE_READS: Final = 2
"""After so many intervals without a complete reading, what was seen is no longer believed."""

NEVER: Final = float("-inf")


class Unreachable(Exception):
    """The tree did not answer in time or refused; the message names the library's error."""


class Tree(Protocol):
    """A connection to the tree. Each call takes a few seconds at most or raises Unreachable."""

    def connections(self) -> int:
        """How many connections were made so far; watches do not outlive one."""

    def session(self) -> int | None:
        """The session whose end removes our nodes; None without one."""

    def children(self, path: str, changed: Callable[[], None]) -> list[str]:
        """Names below ``path``, which is made if it is missing; ``changed`` is called when they change."""

    def create(self, nodes: Mapping[str, str]) -> Iterable[str]:
        """Makes the nodes that the values name; yields each key when its node stands in this session."""

    def delete(self, nodes: Mapping[str, str]) -> Iterable[str]:
        """Removes them; yields each key when its node is gone."""


class Keeper(Protocol):
    """Who calls ``keep``, and how the connection is."""

    reread_s: float

    def wake(self) -> None:
        """Has ``keep`` called soon. Never waits."""

    def state(self) -> State: ...

    def since_s(self) -> float: ...


class Register:
    """Implements ``routing.presence.interface.Presence`` for one official account."""

    def __init__(self, keeper: Keeper, appid: str) -> None:
        self._keeper = keeper
        self._path = path_of(appid)
        self._news = threading.Condition()
        self._wanted: set[str] = set()
        self._held: set[str] = set()
        self._seen: frozenset[str] = frozenset()
        self._told: frozenset[str] = frozenset()
        self._callbacks: list[Callable[[], None]] = []
        self._dirty = True
        self._session: int | None = None
        self._sessions = 0
        self._connections = -1
        self._read_at = NEVER
        self._try_at = NEVER

    def announce(self, kf_account: str, wait_s: float = 0.0) -> None:
        with self._news:
            if kf_account not in self._wanted:
                self._wanted.add(kf_account)
                self._touch()
            if wait_s > 0:
                limit_s = min(wait_s, ANNOUNCE_WAIT_MAX_S)
                self._news.wait_for(lambda: kf_account in self._seen, limit_s)

    def withdraw(self, kf_account: str) -> None:
        with self._news:
            self._wanted.discard(kf_account)
            self._touch()

    def present(self) -> frozenset[str]:
        fresh = time.monotonic() - self._read_at <= STALE_READS * self._keeper.reread_s
        return self._seen if fresh and self._keeper.state() != "lost" else frozenset()

    def health(self) -> PresenceHealth:
        return PresenceHealth(
            state=self._keeper.state(),
            since_s=self._keeper.since_s(),
            sessions=self._sessions,
            announced=len(self._wanted),
            present=len(self.present()),
        )

    def on_change(self, callback: Callable[[], None]) -> None:
        with self._news:
            self._callbacks.append(callback)

    def close(self) -> None:
        """Takes back what was announced; waits at most a second, and not while disconnected."""
        self.stand_for_nobody()
        with self._news:
            if self._keeper.state() == "connected":
                self._news.wait_for(lambda: not self._held, ANNOUNCE_WAIT_MAX_S)

    def stand_for_nobody(self) -> None:
        """Withdraws everybody, without waiting."""
        with self._news:
            self._wanted.clear()
            self._touch()

    def keep(self, tree: Tree, holder: str) -> None:
        """Makes the tree agree with what is wanted, if anything may have changed. Keeper's thread only.

        Raises Unreachable; what was not done is done at a later call.
        """
        now, connections = time.monotonic(), tree.connections()
        moved = self._connections != connections or self._session != tree.session()
        due = self._dirty or moved or now - self._read_at >= self._keeper.reread_s
        if not due or now < self._try_at:
            return
        self._dirty, self._try_at = False, now + RETRY_S
        try:
            self._agree(tree, holder)
        except Exception:
            self._dirty = True
            raise
        self._connections, self._try_at = connections, NEVER

    def lose_sight(self) -> None:
        """Forgets what was seen, as it can no longer be known. Keeper's thread only."""
        self._see(frozenset())

    def tell(self) -> None:
        """Calls back if ``present`` changed since the last call. Keeper's thread only."""
        now = self.present()
        if now == self._told:
            return
        self._told = now
        for callback in list(self._callbacks):
            try:
                callback()
            except Exception:
                log.exception("a listener of presence failed")

    def _touch(self) -> None:
        """Something may differ. Also the watch's callback, so it must not wait."""
        self._dirty = True
        self._keeper.wake()

    def _agree(self, tree: Tree, holder: str) -> None:
        self._note_session(tree.session())
        names = tree.children(self._path, self._touch)
        self._read_at = time.monotonic()
        self._see(agents_in(names))
        ours = held_in(names, holder)
        with self._news:
            wanted, held = frozenset(self._wanted), frozenset(self._held)
        for gone in tree.delete(self._nodes((ours | held) - wanted, holder)):
            self._hold(self._held.discard, gone)
        # One that stands but is not held was made by an earlier session and will vanish with it.
        for made in tree.create(self._nodes(wanted - (ours & held), holder)):
            self._hold(self._held.add, made)

    def _note_session(self, session: int | None) -> None:
        if session == self._session:
            return
        with self._news:
            self._held.clear()
        self._session, self._sessions = session, self._sessions + 1

    def _nodes(self, agents: Iterable[str], holder: str) -> dict[str, str]:
        return {agent: f"{self._path}/{name_of(agent, holder)}" for agent in agents}

    def _hold(self, change: Callable[[str], None], agent: str) -> None:
        with self._news:
            change(agent)
            self._news.notify_all()

    def _see(self, agents: frozenset[str]) -> None:
        with self._news:
            self._seen = agents
            self._news.notify_all()
