"""Migration of the database to the program's schema, at every start.

One node migrates at a time, under a lock file next to the SQLite file or an advisory lock of PostgreSQL. The
SQLite file is copied first. A new database gets the declared tables without going through the revisions. A
database newer than the program is refused.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    insert,
    inspect,
    select,
    text,
)

from app.storage.engine import PRIVATE, allow, sqlite_file, without_references
from app.storage.schema import metadata
from app.storage.sql import StorageDown, StorageError, reading, writing

log = logging.getLogger(__name__)

LOCK_FILE: Final = "migrate.lock"
LOCK_WAIT_S: Final = 60.0
LOCK_POLL_S: Final = 0.1
ADVISORY_LOCK: Final = 0x6B6672696E67  # "kfring"
WAY_BACK: Final = {
    "sqlite": "put back the copy kfring.db.before-… made before the upgrade",
    "postgresql": "put back the dump that pg_dump made before the upgrade, into an empty database",
}
FOREIGN_KEY_CHECK: Final = "PRAGMA foreign_key_check"
SCRIPTS: Final = Path(__file__).parent / "migrations"
VERSION: Final = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Alembic's own table."""


class NewerDataError(StorageError):
    """A database that a newer version of this program wrote."""


def migrate(engine: Engine) -> str:
    """Upgrade the database to the newest revision, if needed. Returns the revision.

    Raises ``NewerDataError``, and ``StorageDown`` if the lock is not free within a minute.
    """
    revisions = known_revisions()
    head = revisions[-1]
    with _locked(engine):
        with reading(engine) as conn:
            current = _current(conn)
        if current == head:
            return head
        if current is None and engine.dialect.name == "sqlite":
            _create(engine, head)
        else:
            _upgrade(engine, revisions, current)
    return head


def current_revision(engine: Engine) -> str | None:
    """Return the revision of the database, None if it is empty."""
    with reading(engine) as conn:
        return _current(conn)


@contextmanager
def changing_tables(engine: Engine) -> Iterator[Connection]:
    """Open one transaction that may replace tables.

    SQLite changes most of a table by replacing it, so its references are checked at the end, all at once.
    """
    with without_references(engine) as changing, writing(changing) as conn:
        allow(conn, None)
        yield conn
        if conn.dialect.name == "sqlite" and conn.exec_driver_sql(FOREIGN_KEY_CHECK).first():
            raise StorageError("rows refer to rows that do not exist: restore a backup")


def rebuild(conn: Connection, revision: str) -> list[Table]:
    """Replace the tables, which are empty, by those of an older revision.

    Returns the tables, each after those that it refers to. ``finish`` upgrades them to the newest revision.
    """
    metadata.drop_all(conn)
    VERSION.drop(conn)
    if conn.dialect.name == "postgresql":
        conn.execute(text("DROP FUNCTION IF EXISTS audit_is_append_only"))
    not_ours = {VERSION.name, *inspect(conn).get_table_names()}
    import_module("app.storage.revisions").upgrade(conn, SCRIPTS, revision)
    older = MetaData()
    older.reflect(conn, only=lambda name, _: name not in not_ours)
    return older.sorted_tables


def finish(conn: Connection) -> None:
    """Upgrade the tables of ``rebuild`` to the newest revision."""
    import_module("app.storage.revisions").upgrade(conn, SCRIPTS, known_revisions()[-1])


def known_revisions() -> list[str]:
    """Return the revisions of this program, oldest first, from the names of their files."""
    files = sorted((SCRIPTS / "versions").glob("[0-9]*.py"))
    if not files:
        raise StorageError("the program was installed without its database migrations")
    return [file.name.partition("_")[0] for file in files]


def _current(conn: Connection) -> str | None:
    tables = inspect(conn)
    revision: str | None = None
    if tables.has_table(VERSION.name):
        revision = conn.execute(select(VERSION.c.version_num)).scalar()
    if revision is None and tables.has_table("sessions_archive"):
        raise StorageError("the database holds tables but no revision: restore it from a backup")
    return revision


def _create(engine: Engine, head: str) -> None:
    """Create all tables of the newest revision at once."""
    with writing(engine) as conn:
        metadata.create_all(conn, checkfirst=False)
        for verb in ("UPDATE", "DELETE"):
            conn.exec_driver_sql(
                f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
            )
        VERSION.create(conn)
        conn.execute(insert(VERSION).values(version_num=head))


def _upgrade(engine: Engine, revisions: list[str], current: str | None) -> None:
    head = revisions[-1]
    if current is not None and current not in revisions:
        raise NewerDataError(
            f"the database is at revision {current}, this program knows only up to {head}: start "
            f"the newer version, or {WAY_BACK[engine.dialect.name]}"
        )
    copy = _copy_sqlite(engine, head) if current else None
    with changing_tables(engine) as conn:
        import_module("app.storage.revisions").upgrade(conn, SCRIPTS, head)
    log.info("database migrated", extra={"from": current, "to": head, "copy": str(copy or "")})


@contextmanager
def _locked(engine: Engine) -> Iterator[None]:
    file = sqlite_file(engine)
    held = _file_lock(file.parent) if file else _advisory_lock(engine)
    with held:
        yield


@contextmanager
def _file_lock(folder: Path) -> Iterator[None]:
    deadline = time.monotonic() + LOCK_WAIT_S
    with open(folder / LOCK_FILE, "a", encoding="ascii", opener=_private) as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StorageDown("another process is migrating the database") from None
                time.sleep(LOCK_POLL_S)
        yield


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE)


@contextmanager
def _advisory_lock(engine: Engine) -> Iterator[None]:
    with writing(engine) as conn:
        conn.execute(text("SELECT set_config('lock_timeout', :ms, true)"), {"ms": _lock_wait_ms()})
        allow(conn, LOCK_WAIT_S + LOCK_POLL_S)
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        yield


def _lock_wait_ms() -> str:
    return str(int(LOCK_WAIT_S * 1000))


def _copy_sqlite(engine: Engine, head: str) -> Path | None:
    """Copy the database next to itself. The copy gets its name once it is complete."""
    source = sqlite_file(engine)
    if source is None:
        return None
    target = source.with_name(f"{source.name}.before-{head}")
    partial = target.with_name(target.name + ".part")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE))
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(partial)) as new:
            old.backup(new)
    except (sqlite3.Error, OSError):
        partial.unlink(missing_ok=True)
        raise StorageError(f"the copy {target.name} could not be made: is the disk full?") from None
    os.replace(partial, target)
    return target
