"""Whether Redis, the database and ZooKeeper answer."""

from __future__ import annotations

import time
from typing import Final

from app.doctor.findings import Finding, bad, good
from app.storage import engine as sql_engine
from app.storage.unfinished import UnfinishedRestore, refuse_unfinished
from config.settings import Settings
from config.values import revealed
from routing.zookeeper import ZooKeeperHub
from sessions.clients import store_client
from sessions.layout import check_layout
from sessions.model import SessionError
from sessions.sql import StorageError

ZOOKEEPER_S: Final = 10.0
POLL_S: Final = 0.05


def redis(settings: Settings, url: str, embedded: str) -> Finding:
    """``embedded`` says how the embedded store was reached, "" for a server of its own."""
    what = f"Redis: {embedded or 'the server in KF_REDIS_URL'}"
    client = store_client(url, 2)
    try:
        check_layout(client)
    except SessionError as error:
        return bad(f"{what}: {error}", "start it, or correct KF_REDIS_URL")
    finally:
        client.close()
    return good(what)


def database(settings: Settings) -> Finding:
    """Looks, changes nothing."""
    kind = "SQLite in the data folder" if settings.database_url is None else "KF_DATABASE_URL"
    what = f"database: {kind}"
    file = settings.data_dir / sql_engine.SQLITE_FILE
    if settings.database_url is None and not file.exists():
        return good(what, "it is made at the first start")
    try:
        engine = sql_engine.create(settings.sqlalchemy_url.get_secret_value(), settings.data_dir)
        try:
            refuse_unfinished(engine)
        finally:
            engine.dispose()
    except UnfinishedRestore as error:
        return bad(what, str(error))
    except StorageError as error:
        return bad(
            f"{what}: {error}", "start kfring once so that its tables exist, or mend the URL"
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
    return bad(f"ZooKeeper: {hosts} does not answer", "start it, or correct KF_ZOOKEEPER_HOSTS")
