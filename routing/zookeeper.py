"""Presence in ZooKeeper: one client per process, one ephemeral node per agent and node.

``/kf_status/<appid>/<kf_account>|<node>|<boot>``: flat, so that one watch per official account tells all.
The boot in the name keeps a node that was just killed from meeting its own ghost. An agent is present
while any node of his exists.

kazoo's threads only leave notes (a blocked listener stops its client for good); one keeper thread makes
every call, each with a time limit, and brings the server's nodes in line with what is wanted. kazoo
itself neither re-creates nodes after an expired session nor says that one expired before it has
reconnected; both are done here. No error of kazoo leaves this module.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Iterable
from typing import Any, Final

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException, NodeExistsError, NoNodeError
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.retry import KazooRetry

from routing.zk_nodes import CONNECTED, AccountPresence, Link, owner_of

CALL_S: Final = 3.0
"""The longest any single call to ZooKeeper may take."""

CLOSE_S: Final = 3.0
REREAD_S: Final = 30.0
"""Everything is read again this often, whatever the watches said."""

RECONNECT_MAX_S: Final = 5.0
TICK_MAX_S: Final = 1.0
FRESH_CLIENT_AFTER: Final = 2.0
"""Session time-outs without a connection after which the client is replaced: a server whose data was
wiped refuses a client that has seen later changes, for ever."""

_FAILURES: Final = (KazooException, KazooTimeoutError)

log = logging.getLogger(__name__)


class ZooKeeperHub:
    """The connection of this process, shared by its official accounts. Make it after the fork.

    Returns at once and never raises for a server that is away: the node joins when it can. ``timeout_s``
    is the session's; ``reread_s`` how often everything is read again.
    """

    def __init__(
        self, hosts: str, node_id: str, timeout_s: float = 10, reread_s: float = REREAD_S
    ) -> None:
        self._hosts = hosts
        self._timeout_s = timeout_s
        self._reread_s = reread_s
        self._owner = owner_of(node_id, secrets.token_hex(4))
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._link = Link(timeout_s, self._wake)
        self._lock = threading.Lock()
        self._accounts: dict[str, AccountPresence] = {}
        self._session: int | None = None
        self._client = self._started_client()
        self._keeper = threading.Thread(target=self._keep, name="zookeeper-keeper", daemon=True)
        self._keeper.start()

    def presence(self, appid: str) -> AccountPresence:
        """The account's Presence; the same object each time."""
        with self._lock:
            if appid not in self._accounts:
                self._accounts = self._accounts | {
                    appid: AccountPresence(appid, self._owner, self._link, self._wake)
                }
        self._wake.set()
        return self._accounts[appid]

    def close(self) -> None:
        """Removes this node's entries and ends the session; gives up after a few seconds."""
        self._closing.set()
        self._wake.set()
        self._keeper.join(CLOSE_S)
        _end(self._client).join(CLOSE_S)

    def _keep(self) -> None:
        """The keeper thread: on news and at every tick."""
        tick = min(TICK_MAX_S, self._timeout_s / 8)
        while not self._closing.is_set():
            self._step()
            self._wake.wait(tick)
            self._wake.clear()
        for account in self._accounts.values():
            account.close()
        self._step()

    def _step(self) -> None:
        try:
            if self._link.now.state == CONNECTED:
                self._reconcile_all()
            elif self._link.void(time.monotonic()) and not self._closing.is_set():
                self._replace_client_in_time()
        except _FAILURES as error:
            log.warning("zookeeper: %s, trying again", type(error).__name__)
        except Exception:
            log.exception("zookeeper: the keeper stumbled and goes on")
        for account in self._accounts.values():
            account.report()

    def _reconcile_all(self) -> None:
        session = self._session_id()
        for account in self._accounts.values():
            if session != self._session:
                account.disown()
        self._session = session
        for account in self._accounts.values():
            self._reconcile(account)

    def _reconcile(self, account: AccountPresence) -> None:
        if account.due(self._reread_s):
            account.reading()
            try:
                account.saw(self._children(account))
            except _FAILURES:
                account.unread()
                raise
        self._create(account, account.missing())
        self._delete(account, account.unwanted())

    def _children(self, account: AccountPresence) -> Iterable[str]:
        """The nodes of the account, and a watch on them. A watch on a missing folder would be lost."""
        try:
            return self._read(account)
        except NoNodeError:
            self._client.ensure_path_async(account.folder).get(timeout=CALL_S)
            return self._read(account)

    def _read(self, account: AccountPresence) -> Iterable[str]:
        call = self._client.get_children_async(account.folder, watch=account.touched)
        children: list[str] = call.get(timeout=CALL_S)
        return children

    def _create(self, account: AccountPresence, names: Iterable[str]) -> None:
        """All at once on the wire; the first failure ends the round."""
        calls = [(name, self._create_async(account, name)) for name in names]
        for name, call in calls:
            try:
                call.get(timeout=CALL_S)
            except NodeExistsError:
                self._take_over(account, name)
            except NoNodeError:
                account.unread()
                raise
            account.made(name)

    def _take_over(self, account: AccountPresence, name: str) -> None:
        """A node of ours stands already: of this session, or of one whose end is not cleared up yet."""
        path = f"{account.folder}/{name}"
        stat = self._client.exists_async(path).get(timeout=CALL_S)
        if stat is not None and stat.ephemeralOwner == self._session_id():
            return
        self._delete(account, [name])
        self._create_async(account, name).get(timeout=CALL_S)

    def _create_async(self, account: AccountPresence, name: str) -> Any:
        return self._client.create_async(f"{account.folder}/{name}", ephemeral=True)

    def _delete(self, account: AccountPresence, names: Iterable[str]) -> None:
        calls = [(n, self._client.delete_async(f"{account.folder}/{n}")) for n in names]
        for name, call in calls:
            try:
                call.get(timeout=CALL_S)
            except NoNodeError:
                log.debug("zookeeper: a node to delete was gone already")
            account.removed(name)

    def _session_id(self) -> int | None:
        client_id = self._client.client_id
        return client_id[0] if client_id else None

    def _replace_client_in_time(self) -> None:
        """Each time the connection has been away for another few sessions' lives."""
        if time.monotonic() - self._client_since < FRESH_CLIENT_AFTER * self._timeout_s:
            return
        down_since = self._link.now.down_since
        if (
            down_since is not None
            and time.monotonic() - down_since < FRESH_CLIENT_AFTER * self._timeout_s
        ):
            return
        old = self._client
        old.remove_listener(self._link.note)
        self._link.note("LOST")
        self._client = self._started_client()
        _end(old)

    def _started_client(self) -> Any:
        """Connects in the background, for as long as it takes."""
        client = KazooClient(
            hosts=self._hosts,
            timeout=self._timeout_s,
            connection_retry=KazooRetry(max_tries=-1, max_delay=RECONNECT_MAX_S),
        )
        client.add_listener(self._link.note)
        client.start_async()
        self._client_since = time.monotonic()
        return client


def _end(client: Any) -> threading.Thread:
    """Stops the client on a thread of its own, as ``stop`` may hang."""

    def stop() -> None:
        try:
            client.stop()
            client.close()
        except Exception as error:
            log.debug("zookeeper: the client did not stop cleanly: %s", type(error).__name__)

    thread = threading.Thread(target=stop, name="zookeeper-stop", daemon=True)
    thread.start()
    return thread
