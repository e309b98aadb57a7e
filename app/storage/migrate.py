"""Brings the database to the schema of this program at every start.

One node migrates at a time: a lock file beside the SQLite file, an advisory lock in PostgreSQL. The SQLite
file is copied first. A database newer than the program is refused.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, inspect, text

from app.storage.engine import sqlite_file
from sessions.sql import StorageDown, StorageError, reading, writing

log = logging.getLogger(__name__)

LOCK_FILE: Final = "migrate.lock"
LOCK_WAIT_S: Final = 60.0
LOCK_POLL_S: Final = 0.1
ADVISORY_LOCK: Final = 0x6B6672696E67  # "kfring"
SCRIPTS: Final = Path(__file__).parent / "migrations"


class NewerDataError(StorageError):
    """The database was written by a newer version of this program."""


def migrate(engine: Engine) -> str:
    """Upgrade to the newest revision and return it; does nothing when it is there already.

    Raises ``NewerDataError``, or ``StorageDown`` when the lock cannot be had within a minute.
    """
    config = _config()
    head = _head(config)
    with _locked(engine):
        with reading(engine) as conn:
            current = _current(conn)
        if current == head:
            return head
        _refuse_newer(config, current, head)
        copy = _copy_sqlite(engine, head) if current else None
        with writing(engine) as conn:
            _relax_statement_timeout(conn)
            config.attributes["connection"] = conn
            command.upgrade(config, head)
        log.info("database migrated", extra={"from": current, "to": head, "copy": str(copy or "")})
    return head


def current_revision(engine: Engine) -> str | None:
    """The revision the database is at, None when it is empty."""
    with reading(engine) as conn:
        return _current(conn)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _head(config: Config) -> str:
    head = ScriptDirectory.from_config(config).get_current_head()
    if head is None:
        raise StorageError("the program was installed without its database migrations")
    return head


def _current(conn: Connection) -> str | None:
    revision = MigrationContext.configure(conn).get_current_revision()
    if revision is None and inspect(conn).has_table("sessions_archive"):
        raise StorageError("the database holds tables but no revision: restore it from a backup")
    return revision


def _refuse_newer(config: Config, current: str | None, head: str) -> None:
    if current is None:
        return
    try:
        ScriptDirectory.from_config(config).get_revision(current)
    except CommandError:
        raise NewerDataError(
            f"the database is at revision {current}, this program knows only up to {head}: start "
            "the newer version, or put back the copy kfring.db.before-… made before the upgrade"
        ) from None


@contextmanager
def _locked(engine: Engine) -> Iterator[None]:
    file = sqlite_file(engine)
    held = _file_lock(file.parent) if file else _advisory_lock(engine)
    with held:
        yield


@contextmanager
def _file_lock(folder: Path) -> Iterator[None]:
    deadline = time.monotonic() + LOCK_WAIT_S
    with open(folder / LOCK_FILE, "a", encoding="ascii") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StorageDown("another process is migrating the database") from None
                time.sleep(LOCK_POLL_S)
        yield


@contextmanager
def _advisory_lock(engine: Engine) -> Iterator[None]:
    with writing(engine) as conn:
        conn.execute(text("SELECT set_config('lock_timeout', :ms, true)"), {"ms": _lock_wait_ms()})
        _relax_statement_timeout(conn)
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        yield


def _lock_wait_ms() -> str:
    return str(int(LOCK_WAIT_S * 1000))


def _relax_statement_timeout(conn: Connection) -> None:
    if conn.dialect.name == "postgresql":
        conn.execute(text("SET LOCAL statement_timeout = 0"))


def _copy_sqlite(engine: Engine, head: str) -> Path | None:
    """A whole, consistent copy beside the database, complete before it gets its name."""
    source = sqlite_file(engine)
    if source is None:
        return None
    target = source.with_name(f"{source.name}.before-{head}")
    partial = target.with_name(target.name + ".part")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(partial)) as new:
            old.backup(new)
    except (sqlite3.Error, OSError):
        partial.unlink(missing_ok=True)
        raise StorageError(f"the copy {target.name} could not be made: is the disk full?") from None
    os.replace(partial, target)
    return target
