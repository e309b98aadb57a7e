"""A process's connection to ZooKeeper, and what its states oblige us to do.

- connected in a new session: our nodes are gone, make them again, read again, watch again.
- suspended: nothing is known to be wrong yet; after one session time-out our word is void for others, so
  theirs is void for us. kazoo itself says "lost" only when it gets through again, hence the own clock.
- state listeners run on the connection's thread and may not call the client or wait; ours notes what it
  heard and wakes the keeper.

No error of kazoo leaves this module.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import KazooException, NodeExistsError, NoNodeError
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.hosts import collect_hosts
from kazoo.retry import KazooRetry
from kazoo.security import make_digest_acl

from routing.presence.interface import State
from routing.presence.register import Unreachable

log = logging.getLogger(__name__)

CALL_TIMEOUT_S: Final = 3.0
RECONNECT_DELAY_MAX_S: Final = 5.0
FRESH_CLIENT_SESSIONS: Final = 3
"""Lost for so many sessions, the client is made anew: a server whose data was wiped refuses the old one for
ever, because it has seen transactions that the server has not."""


@dataclass(frozen=True, slots=True)
class Link:
    """The connection as the listener last heard of it; ``count`` grows with each connection made."""

    connected: bool
    session_kept: bool
    since: float
    count: int


class Connection:
    """A kazoo client and what its listener heard. Implements ``routing.presence.register.Tree``."""

    def __init__(
        self, hosts: str, login: str, timeout_s: float, wake: Callable[[], None], link: Link
    ) -> None:
        self.link = link
        self._timeout_s = timeout_s
        self._made_at = time.monotonic()
        self._wake = wake
        self._client = KazooClient(hosts=hosts, timeout=timeout_s, **_options(login))
        self._client.add_listener(self._heard)
        self._client.start_async()

    def state(self) -> State:
        """By our own clock, not by kazoo's word."""
        link = self.link
        if link.connected:
            return "connected"
        away_s = time.monotonic() - link.since
        return "suspended" if link.session_kept and away_s <= self._timeout_s else "lost"

    def worn_out(self) -> bool:
        """Whether a fresh client may get through where this one does not."""
        down_since = max(self._made_at, self.link.since)
        limit_s = FRESH_CLIENT_SESSIONS * self._timeout_s
        return not self.link.connected and time.monotonic() - down_since > limit_s

    def stop(self) -> None:
        """Ends the session. May hang, as kazoo's stop does; for a thread that nobody waits for long."""
        try:
            self._client.stop()
            self._client.close()
        except Exception as error:
            log.warning("the ZooKeeper client did not stop cleanly: %s", type(error).__name__)

    def connections(self) -> int:
        return self.link.count

    def session(self) -> int | None:
        known = self._client.client_id
        return known[0] if known else None

    def children(self, path: str, changed: Callable[[], None]) -> list[str]:
        watch = _Watch(changed)
        with _translated():
            try:
                return list(_answer(self._client.get_children_async(path, watch=watch)))
            except NoNodeError:
                _answer(self._client.ensure_path_async(path))
                return list(_answer(self._client.get_children_async(path, watch=watch)))

    def create(self, nodes: Mapping[str, str]) -> Iterator[str]:
        with _translated():
            asked = [(k, n, self._client.create_async(n, ephemeral=True)) for k, n in nodes.items()]
            for key, node, answer in asked:
                try:
                    _answer(answer)
                except NodeExistsError:
                    self._take_over(node)
                yield key

    def delete(self, nodes: Mapping[str, str]) -> Iterator[str]:
        with _translated():
            asked = [(key, self._client.delete_async(node)) for key, node in nodes.items()]
            for key, answer in asked:
                with contextlib.suppress(NoNodeError):
                    _answer(answer)
                yield key

    def _take_over(self, node: str) -> None:
        """A node of ours stands: made by this session (its answer was lost), or left by the one before."""
        stat = _answer(self._client.exists_async(node))
        if stat is not None and stat.ephemeralOwner == self.session():
            return
        with contextlib.suppress(NoNodeError):
            _answer(self._client.delete_async(node))
        _answer(self._client.create_async(node, ephemeral=True))

    def _heard(self, state: str) -> None:
        before, now = self.link, time.monotonic()
        if state == KazooState.CONNECTED:
            self.link = Link(True, True, now, before.count + 1)
        else:
            kept = before.session_kept and state == KazooState.SUSPENDED
            self.link = Link(False, kept, now if before.connected else before.since, before.count)
        self._wake()


@dataclass(frozen=True, slots=True)
class _Watch:
    """Equal for equal callbacks, because kazoo keeps a set of them: reading again adds no second watch."""

    changed: Callable[[], None]

    def __call__(self, event: object) -> None:
        self.changed()


def _options(login: str) -> dict[str, Any]:
    """How a client connects again, what it shows of itself, who may touch what it makes."""
    retry = KazooRetry(max_tries=-1, max_delay=RECONNECT_DELAY_MAX_S)
    if not login:
        return {"connection_retry": retry}
    user, _, password = login.partition(":")
    ours = [make_digest_acl(user, password, all=True)]
    return {"connection_retry": retry, "auth_data": [("digest", login)], "default_acl": ours}


def check_hosts(hosts: str) -> None:
    """Raises ValueError for what is no "host:port,host:port"."""
    try:
        collect_hosts(hosts)
    except ValueError:
        raise ValueError(f"ZooKeeper hosts {hosts!r}: expected host:port,host:port") from None


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (KazooException, KazooTimeoutError, OSError) as error:
        raise Unreachable(type(error).__name__) from None


def _answer(call: Any) -> Any:
    """The answer to an asynchronous call, waited for no longer than CALL_TIMEOUT_S."""
    return call.get(timeout=CALL_TIMEOUT_S)
