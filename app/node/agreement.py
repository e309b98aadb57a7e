"""Whether all nodes on one Redis have the same settings, where these change decisions or data.

Each node stores a keyed digest of each such setting, for a limited time. A difference is reported by the
names of the settings and stops nothing: during a rolling change it is meant.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Mapping
from typing import Any, Final

import structlog
from pydantic import SecretStr

from config.accounts import OfficialAccount
from config.settings import PREFIX, Settings
from sessions.model import SessionError
from sessions.store.clients import Redis, as_ms
from sessions.store.scripts import guarded

KEY: Final = "kf:settings"
LEASE_MS: Final = 60_000
LOOK_S: Final = 10.0
STOP_S: Final = 3.0
DIGEST_CHARS: Final = 16

OWN: Final = frozenset(
    {
        *("host", "port", "node_id", "data_dir", "log_level", "role", "threads", "streams_max"),
        *("server", "simulator", "trusted_proxies", "metrics_from", "appendfsync"),
        *("redis_url", "zookeeper_hosts", "zookeeper_auth", "database_url"),
        *("secret_key", "secret_key_previous", "admin_password"),
    }
)
"""Settings that may differ: the machine's own, addresses of shared servers, and keys."""

log = structlog.get_logger(__name__)


def digests(settings: Settings, key: bytes) -> dict[str, str]:
    """Return a digest by name of each setting that must agree; without ``key`` no value can be guessed."""
    values: dict[str, Any] = {
        name: getattr(settings, name) for name in type(settings).model_fields if name not in OWN
    }
    values["accounts_file"] = settings.accounts_file and settings.accounts
    return {PREFIX + name.upper(): _digest(key, name, value) for name, value in values.items()}


def differing(own: Mapping[str, str], others: list[Mapping[str, str]]) -> tuple[str, ...]:
    """Return the names of settings whose digest differs; one that only one side knows is no difference."""
    return tuple(
        sorted(
            name
            for name, digest in own.items()
            if any(other.get(name, digest) != digest for other in others)
        )
    )


class SettingsWatch:
    """Stores this node's digests and compares those of the other nodes. ``client`` is its own from now on."""

    def __init__(self, client: Redis, node_id: str, own: Mapping[str, str]) -> None:
        self._client = client
        self._node_id = node_id
        self._own = own
        self._differing: tuple[str, ...] = ()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="settings-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def differing(self) -> tuple[str, ...]:
        """Return the names of settings that differ between nodes, as last seen."""
        return self._differing

    def stop(self) -> None:
        """Withdraw this node's digests. Raises nothing."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        try:
            guarded(lambda: self._client.hdel(KEY, self._node_id))
        except SessionError as error:
            log.warning("settings_not_withdrawn", error=type(error).__name__)
        self._client.close()

    def look(self) -> None:
        """Store, compare, and log a difference once. Raises StoreDown, StoreRefused."""
        now_ms = as_ms(guarded(self._client.time))
        mine = json.dumps({"until_ms": now_ms + LEASE_MS, "digests": dict(self._own)})
        guarded(lambda: self._client.hset(KEY, self._node_id, mine))
        found = {name: json.loads(text) for name, text in guarded(self._all).items()}
        gone = [name for name, one in found.items() if one["until_ms"] < now_ms]
        if gone:
            guarded(lambda: self._client.hdel(KEY, *gone))
        others = [one["digests"] for name, one in found.items() if name not in gone]
        names = differing(self._own, others)
        if names and names != self._differing:
            log.warning("settings_differ", settings=list(names))
        self._differing = names

    def _all(self) -> dict[str, str]:
        raw: Any = self._client.hgetall(KEY)
        return dict(raw)

    def _run(self) -> None:
        while True:
            try:
                self.look()
            except SessionError as error:
                log.warning("settings_not_compared", error=type(error).__name__)
            if self._leaving.wait(LOOK_S):
                return


def _digest(key: bytes, name: str, value: object) -> str:
    text = json.dumps([name, _plain(value)], default=str, ensure_ascii=False)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:DIGEST_CHARS]


def _plain(value: object) -> object:
    """Return the value as JSON knows it, sets in order, secrets revealed to the digest only."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, OfficialAccount):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value
