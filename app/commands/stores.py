"""The stores for a command beside the server, or in its place when none runs.

A command never starts the server's threads. The embedded store of a running node is used through its
socket; where no node runs it is started for the time of the command, under the data folder's lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from app.auth.secret_key import agreed
from app.node.context import StartError
from app.node.data_lock import DataLock
from app.node.embedded_store import EmbeddedServer, running_url
from app.node.generated import keep_secrets
from app.storage import engine as sql_engine
from app.storage.engine import Database
from app.storage.unfinished import refuse_unfinished
from config.settings import Settings
from sessions.store.clients import Redis


@contextmanager
def redis_address(settings: Settings) -> Iterator[tuple[str, str]]:
    """(URL, how the embedded store was reached or ""). Raises StartError."""
    if settings.redis_url is not None:
        yield settings.redis_url.get_secret_value(), ""
        return
    running = running_url(settings.data_dir)
    if running is not None:
        yield running, "the embedded store of the running node"
        return
    lock = DataLock.acquire(settings.data_dir)
    server = EmbeddedServer(settings.data_dir, lock.descriptor)
    try:
        server.start()
        yield server.url, "the embedded store, started for this command"
    finally:
        server.stop()
        os.close(lock.descriptor)


@contextmanager
def existing_database(settings: Settings) -> Iterator[Database]:
    """The database that a node has made, whole. Raises StartError, StorageError."""
    file = settings.data_dir / sql_engine.SQLITE_FILE
    if settings.database_url is None and not file.exists():
        raise StartError(f"there is no database in {settings.data_dir}; see KF_DATA_DIR")
    database = sql_engine.create(settings.sqlalchemy_url.get_secret_value(), settings.data_dir)
    try:
        refuse_unfinished(database)
        yield database
    finally:
        database.dispose()


def secret_key(settings: Settings, client: Redis) -> str:
    """The nodes' own. Raises StartError, StoreDown, StoreRefused."""
    own = keep_secrets(settings.data_dir).secret_key
    return agreed(client, settings.secret_key, own).get_secret_value()
