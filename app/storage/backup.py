"""Backup and restore of all stored data: SQL tables and the accounts' Redis keys as JSON lines.

The archive is no copy of files, so it moves between SQLite and PostgreSQL and between versions of Redis and
Valkey. It contains no logins, tokens and leases: after a restore everybody signs in again.
"""

from __future__ import annotations

import base64
import io
import json
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Engine, Table

from app.storage import unfinished
from app.storage.migrate import changing_tables, finish, known_revisions, rebuild
from app.storage.schema import metadata
from app.storage.sql import StorageError, reading
from sessions.store.clients import Redis
from sessions.store.keys import SCHEMA_VERSION
from sessions.store.layout import mark_restore
from sessions.upkeep.dump import copy_account, remove_account, restore_account

FORMAT: Final = 1
BATCH: Final = 500
_BYTES: Final = "base64"


class CannotRestore(StorageError):
    """An archive that cannot be restored into these stores. Nothing was changed."""


def write(file: Path, engine: Engine, client: Redis, appids: Iterable[str], revision: str) -> int:
    """Write Redis, then SQL: a conversation archived in between is in both. Returns the record count."""
    partial = file.with_suffix(file.suffix + ".partial")
    count = 0
    with tarfile.open(partial, "w:gz") as archive:
        accounts = sorted(appids)
        meta = {"format": FORMAT, "layout": SCHEMA_VERSION, "revision": revision}
        _add(archive, "meta.json", [meta | {"accounts": accounts, "at_s": int(time.time())}])
        for appid in accounts:
            count += _add(archive, f"redis/{appid}.jsonl", copy_account(client, appid))
        with reading(engine) as conn:
            for table in metadata.sorted_tables:
                rows = (_plain(row._mapping) for row in conn.execute(sa.select(table)))
                count += _add(archive, f"sql/{table.name}.jsonl", rows)
    partial.chmod(0o600)
    partial.replace(file)
    return count


def restore(
    file: Path, engine: Engine, client: Redis, revision: str, settle: Callable[[str], None]
) -> list[str]:
    """Fill empty stores with FILE, or resume a restore of it that was killed. Returns its accounts.

    ``settle`` is called with each account once it is complete. Raises CannotRestore before any change, and
    UnfinishedRestore. A restore that fails later leaves the stores marked (``unfinished``).
    """
    digest = unfinished.digest_of(file)
    with tarfile.open(file, "r:gz") as archive:
        meta = next(_lines(archive, "meta.json"))
        accounts: list[str] = meta["accounts"]
        _refuse_other(meta, revision)
        done = unfinished.progress(engine, client, digest)
        over = done.redis == unfinished.SETTLED and (done.database or _full_tables(engine))
        if not over:
            _begin(engine, client, done, accounts)
            if done.database != unfinished.FILLED:
                _fill_database(engine, archive, meta["revision"], revision, digest)
            mark_restore(client, f"{digest} {unfinished.FILLING}")
            for appid in accounts:
                remove_account(client, appid)
                restore_account(client, appid, _lines(archive, f"redis/{appid}.jsonl"))
                settle(appid)
            mark_restore(client, f"{digest} {unfinished.SETTLED}")
    unfinished.unmark(engine)
    mark_restore(client, "")
    return accounts


def _refuse_other(meta: Mapping[str, Any], revision: str) -> None:
    newer = meta["revision"] not in known_revisions()
    if meta["format"] != FORMAT or meta["layout"] > SCHEMA_VERSION or newer:
        raise CannotRestore("the archive was written by a newer version; restore it with that one")


def _begin(engine: Engine, client: Redis, done: unfinished.Progress, appids: Iterable[str]) -> None:
    """Mark the database. Raises CannotRestore if a store without a mark of this restore contains data."""
    full = [] if done.database else _full_tables(engine)
    if full:
        raise CannotRestore(
            f"the database is not empty ({', '.join(full)}); restore into an empty one"
        )
    for appid in [] if done.redis else appids:
        if next(iter(client.scan_iter(f"kf:{{{appid}}}:*", count=1000)), None) is not None:
            raise CannotRestore(f"Redis holds data of {appid}; restore into an empty one")
    if not done.database:
        unfinished.mark(engine, done.digest, unfinished.BEGUN)


def _full_tables(engine: Engine) -> list[str]:
    tables = metadata.sorted_tables
    with reading(engine) as conn:
        return [t.name for t in tables if conn.execute(sa.select(t).limit(1)).first()]


def _fill_database(
    engine: Engine, archive: tarfile.TarFile, written_at: str, revision: str, digest: str
) -> None:
    """Insert all rows in one transaction. Rows of an older revision are inserted at it, then upgraded."""
    older = written_at != revision
    with changing_tables(engine) as conn:
        for table in rebuild(conn, written_at) if older else metadata.sorted_tables:
            _fill(conn, table, _lines(archive, f"sql/{table.name}.jsonl"))
        if older:
            finish(conn)
        unfinished.mark_in(conn, digest, unfinished.FILLED)


def _fill(conn: sa.Connection, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append({name: _value(value) for name, value in row.items()})
        if len(batch) == BATCH:
            _insert(conn, table, batch)
            batch = []
    if batch:
        _insert(conn, table, batch)
    _set_sequence(conn, table)


def _insert(conn: sa.Connection, table: Table, batch: list[dict[str, Any]]) -> None:
    """Insert in one statement if rows refer to each other: references are checked at its end."""
    if any(key.column.table is table for key in table.foreign_keys):
        conn.execute(sa.insert(table).values(batch))
    else:
        conn.execute(sa.insert(table), batch)


def _set_sequence(conn: sa.Connection, table: Table) -> None:
    """Make PostgreSQL's next number follow the highest one in the table."""
    column = table.autoincrement_column
    if conn.dialect.name != "postgresql" or column is None:
        return
    highest = conn.execute(sa.select(sa.func.max(column))).scalar()
    sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
    if highest and conn.execute(sa.select(sequence)).scalar():
        conn.execute(sa.select(sa.func.setval(sequence, highest)))


def _add(archive: tarfile.TarFile, name: str, rows: Iterable[Mapping[str, Any]]) -> int:
    buffer, count = io.BytesIO(), 0
    for row in rows:
        count += 1
        buffer.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = buffer.tell(), int(time.time())
    buffer.seek(0)
    archive.addfile(entry, buffer)
    return count


def _lines(archive: tarfile.TarFile, name: str) -> Iterator[dict[str, Any]]:
    try:
        file = archive.extractfile(name)
    except KeyError:
        file = None
    if file is None:
        raise CannotRestore(f"the archive lacks {name}: it is damaged or no backup of kfring")
    for line in file:
        yield json.loads(line)


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        str(name): {_BYTES: base64.b64encode(value).decode()} if isinstance(value, bytes) else value
        for name, value in row.items()
    }


def _value(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {_BYTES}:
        return base64.b64decode(value[_BYTES])
    return value
