"""Removal of one customer from SQL and from SQLite's files.

It covers every table with an ``openid`` or a ``session_id``, also one that is added later.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection
from typing import Final

from sqlalchemy import ColumnElement, Connection, Engine, Table, and_, delete, or_, select

from app.storage.schema import metadata, sessions_archive
from app.storage.sql import writing

BATCH: Final = 500


def sessions_of(conn: Connection, appid: str, openid: str) -> set[str]:
    """Return the ids of the customer's archived conversations."""
    table = sessions_archive.c
    query = select(table.id).where(table.appid == appid, table.openid == openid)
    return set(conn.execute(query).scalars())


def erase(engine: Engine, appid: str, openid: str, session_ids: Collection[str]) -> Counter[str]:
    """Remove the customer's rows in one transaction. Returns their number by table."""
    removed: Counter[str] = Counter()
    with writing(engine) as conn:
        ids = sorted({*session_ids, *sessions_of(conn, appid, openid)})
        for table in reversed(metadata.sorted_tables):
            for wanted in _wanted(table, openid, ids):
                gone = conn.execute(delete(table).where(table.c.appid == appid, wanted))
                removed[table.name] += gone.rowcount
    return +removed


def clean_files(engine: Engine) -> bool:
    """Empty SQLite's write-ahead log, which still holds the rows. Returns False if a reader prevents it."""
    if engine.dialect.name != "sqlite":
        return True
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        cursor.close()
        return not busy
    except sqlite3.OperationalError:
        return False
    finally:
        raw.close()


def _wanted(table: Table, openid: str, session_ids: list[str]) -> list[ColumnElement[bool]]:
    columns = table.c
    if "appid" not in columns:
        return []
    own = [columns.openid == openid] if "openid" in columns else []
    if "session_id" not in columns:
        return [and_(*own)] if own else []
    batches = [session_ids[at : at + BATCH] for at in range(0, len(session_ids), BATCH)]
    return [or_(*own, columns.session_id.in_(batch)) for batch in batches or [[]]]
