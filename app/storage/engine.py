"""The engine of a process: SQLite in the data folder, or PostgreSQL by URL.

Errors leave through ``app.storage.sql.reading`` and ``writing`` as ``StorageError`` and its kinds.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Final, TypeAlias

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url
from sqlalchemy.pool import ConnectionPoolEntry

from app.storage.sql import WRITE_OPTION, StorageError

Database: TypeAlias = Engine  # for use cases, which do not import the library
Transaction: TypeAlias = Connection

PRIVATE: Final = 0o600
OTHERS: Final = 0o077
SQLITE_FILE: Final = "kfring.db"
BUSY_TIMEOUT_MS: Final = 5000
POOL_SIZE: Final = 8
POOL_OVERFLOW: Final = 8
POOL_TIMEOUT_S: Final = 5.0


def create(database_url: str | None, data_dir: Path) -> Engine:
    """Return an engine for ``KF_DATABASE_URL``, or for ``kfring.db`` in ``data_dir`` if it is None.

    It does not connect yet. PostgreSQL's driver is imported only if it is used. Raises ``StorageError``
    with one line on a URL that cannot be used.
    """
    url = _parsed(database_url, data_dir)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    made: Engine = import_module("app.storage.postgres").create(
        url, pool_size=POOL_SIZE, max_overflow=POOL_OVERFLOW, pool_timeout=POOL_TIMEOUT_S
    )
    return made


def allow(transaction: Transaction, seconds: float | None) -> None:
    """Limit each statement of a transaction to ``seconds``, None for no limit. SQLite never has one."""
    if transaction.dialect.name == "postgresql":
        import_module("app.storage.postgres").allow(transaction, seconds)


def sqlite_file(engine: Engine) -> Path | None:
    """Return the database file, None on PostgreSQL."""
    if engine.dialect.name != "sqlite":
        return None
    return Path(str(engine.url.database))


@contextmanager
def without_references(engine: Engine) -> Iterator[Engine]:
    """Yield an engine for migrations, on SQLite one that enforces no references, else the given one."""
    if engine.dialect.name != "sqlite":
        yield engine
        return
    changing = _sqlite(engine.url)
    # SQLite accepts this switch outside a transaction only.
    event.listen(
        changing, "connect", lambda one, _: one.execute("PRAGMA foreign_keys = OFF").close()
    )
    try:
        yield changing
    finally:
        changing.dispose()


def _parsed(database_url: str | None, data_dir: Path) -> URL:
    if not database_url:
        return URL.create("sqlite", database=str(data_dir / SQLITE_FILE))
    try:
        url = make_url(database_url)
    except (exc.ArgumentError, ValueError):
        raise StorageError("KF_DATABASE_URL is not a database URL") from None
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite" and url.database and url.database != ":memory:":
        return url
    raise StorageError(
        "KF_DATABASE_URL must start with postgresql:// or be sqlite:////absolute/path/of/file"
    )


def _sqlite(url: URL) -> Engine:
    engine = create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=POOL_TIMEOUT_S,
        hide_parameters=True,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
    )
    event.listen(engine, "do_connect", _close_to_others)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _close_to_others(_dialect: object, _record: object, args: list[str], _more: object) -> None:
    """Create the file readable by its owner only, whatever the folder and the umask allow.

    SQLite gives its other files the same mode. An existing file is not opened: closing it would drop the
    locks that this process holds on it.
    """
    with suppress(OSError):  # SQLite reports the error itself
        try:
            os.close(os.open(args[0], os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE))
        except FileExistsError:
            for file in (args[0], f"{args[0]}-wal", f"{args[0]}-shm"):
                if os.path.exists(file) and os.stat(file).st_mode & OTHERS:
                    os.chmod(file, PRIVATE)


def _prepare_sqlite(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    # The driver's own BEGIN leaves DDL and reads outside; ours is sent by _begin_sqlite.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(conn: Connection) -> None:
    immediate = conn.get_execution_options().get(WRITE_OPTION, False)
    conn.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
