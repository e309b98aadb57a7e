"""One archive of all that is kept, and back: SQL tables and the accounts' Redis keys as JSON lines.

Logical, not a copy of files: it goes between SQLite and PostgreSQL and between versions of Redis and Valkey.
Logins, tokens and leases are left out: after a restore everybody signs in again.
"""

from __future__ import annotations

import base64
import io
import json
import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Engine, Table

from app.node import StartError
from app.storage.schema import metadata
from sessions.clients import Redis
from sessions.copying import copy_account, restore_account
from sessions.keys import SCHEMA_VERSION
from sessions.sql import reading, writing

FORMAT: Final = 1
BATCH: Final = 500
_BYTES: Final = "base64"


def write(file: Path, engine: Engine, client: Redis, appids: Iterable[str], revision: str) -> int:
    """Redis first, then SQL: what is archived in between is in both. Gives the number of records."""
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


def restore(file: Path, engine: Engine, client: Redis, revision: str) -> list[str]:
    """Everything back into empty stores; the accounts. Raises StartError, and then nothing was changed."""
    with tarfile.open(file, "r:gz") as archive:
        meta = next(_lines(archive, "meta.json"))
        _refuse_other(meta, revision)
        _refuse_full(engine, client, meta["accounts"])
        with writing(engine) as conn:
            for table in metadata.sorted_tables:
                _fill(conn, table, _lines(archive, f"sql/{table.name}.jsonl"))
        for appid in meta["accounts"]:
            restore_account(client, appid, _lines(archive, f"redis/{appid}.jsonl"))
    accounts: list[str] = meta["accounts"]
    return accounts


def _refuse_other(meta: Mapping[str, Any], revision: str) -> None:
    if meta["format"] != FORMAT or meta["layout"] > SCHEMA_VERSION:
        raise StartError("the archive was written by a newer version; restore it with that one")
    if meta["revision"] != revision:
        raise StartError(
            f"the archive holds database revision {meta['revision']}, this version has {revision}; "
            "restore it with the version that wrote it, then upgrade"
        )


def _refuse_full(engine: Engine, client: Redis, appids: Iterable[str]) -> None:
    with reading(engine) as conn:
        full = [
            t.name for t in metadata.sorted_tables if conn.execute(sa.select(t).limit(1)).first()
        ]
    if full:
        raise StartError(
            f"the database is not empty ({', '.join(full)}); restore into an empty one"
        )
    for appid in appids:
        if next(iter(client.scan_iter(f"kf:{{{appid}}}:*", count=1000)), None) is not None:
            raise StartError(f"Redis holds data of {appid}; restore into an empty one")


def _fill(conn: sa.Connection, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append({name: _value(value) for name, value in row.items()})
        if len(batch) == BATCH:
            conn.execute(sa.insert(table), batch)
            batch = []
    if batch:
        conn.execute(sa.insert(table), batch)
    _set_sequence(conn, table)


def _set_sequence(conn: sa.Connection, table: Table) -> None:
    """PostgreSQL numbers on from the highest number there is."""
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
        raise StartError(f"the archive lacks {name}: it is damaged or no backup of kfring")
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
