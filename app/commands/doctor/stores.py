"""Checks of Redis, the database and ZooKeeper."""

from __future__ import annotations

import re
import time
from typing import Final

from app.commands.doctor.findings import Finding, bad, good
from app.commands.doctor.reach import obstacle
from app.storage import engine as sql_engine
from app.storage.sql import StorageError
from app.storage.unfinished import UnfinishedRestore, refuse_unfinished
from config.settings import Settings
from config.values import revealed
from routing.presence.zookeeper import ZooKeeperHub
from sessions.model import SessionError
from sessions.store.clients import SENTINEL_PORT, store_client
from sessions.store.layout import check_layout

ZOOKEEPER_S: Final = 10.0
POLL_S: Final = 0.05
_PORT: Final = re.compile(r":\d+$")


def redis(settings: Settings, url: str, embedded: str) -> Finding:
    """Check Redis. ``embedded`` says how the embedded store was reached, "" for another server."""
    what = f"Redis: {embedded or 'the server in KF_REDIS_URL'}"
    client = store_client(url, 2)
    try:
        check_layout(client)
    except SessionError as error:
        return _away(what, error, [] if embedded else servers_of(url), "KF_REDIS_URL")
    finally:
        client.close()
    return good(what)


def database(settings: Settings) -> Finding:
    """Check the database without changing it."""
    kind = "SQLite in the data folder" if settings.database_url is None else "KF_DATABASE_URL"
    what = f"database: {kind}"
    file = settings.data_dir / sql_engine.SQLITE_FILE
    if settings.database_url is None and not file.exists():
        return good(what, "it is created at the first start")
    try:
        engine = sql_engine.create(settings.sqlalchemy_url.get_secret_value(), settings.data_dir)
        try:
            refuse_unfinished(engine)
        finally:
            engine.dispose()
    except UnfinishedRestore as error:
        return bad(what, str(error))
    except StorageError as error:
        servers = servers_of(revealed(settings.database_url))
        if servers:
            return _away(what, error, servers, "KF_DATABASE_URL")
        return bad(
            f"{what}: {error}", "start kfring once so that its tables exist, or correct the URL"
        )
    return good(what)


def zookeeper(settings: Settings) -> Finding:
    hosts = settings.zookeeper_hosts
    if not hosts:
        return good("ZooKeeper: none set, which is right for one node")
    hub = ZooKeeperHub(hosts, "doctor", login=revealed(settings.zookeeper_auth))
    try:
        seen = hub.presence("doctor")
        deadline = time.monotonic() + ZOOKEEPER_S
        while time.monotonic() < deadline:
            if str(seen.health().state) == "connected":
                return good(f"ZooKeeper: {hosts}")
            time.sleep(POLL_S)
    finally:
        hub.close()
    servers = servers_of(f"zookeeper://{hosts}")
    return _away("ZooKeeper", "it does not answer", servers, "KF_ZOOKEEPER_HOSTS")


def servers_of(url: str) -> list[str]:
    """Return the servers of an address, each as a URL without a login. A socket has none."""
    scheme, _, rest = url.partition("://")
    where = rest.partition("/")[0].rpartition("@")[2]
    kind = scheme.partition("+")[0]
    port = f":{SENTINEL_PORT}" if scheme.endswith("+sentinel") else ""
    if kind in ("unix", "sqlite") or not where:
        return []
    hosts = [host.strip() for host in where.split(",") if host.strip()]
    return [f"{kind}://{host}{'' if _PORT.search(host) else port}" for host in hosts]


def _away(what: str, error: object, servers: list[str], setting: str) -> Finding:
    """Return a finding with the reason for each server."""
    found = [obstacle(server) for server in servers]
    wrong = "; ".join(dict.fromkeys(one.what for one in found))
    steps = "; ".join(dict.fromkeys(one.step for one in found))
    what = f"{what}: {error}" + (f" ({wrong})" if wrong else "")
    return bad(what, f"{steps}; or correct {setting}" if steps else f"correct {setting}")
