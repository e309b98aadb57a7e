"""The audit log: every admin act, written in the act's transaction and chained by hashes.

The hash of an entry covers the entry and the hash before it, so ``verify`` finds an entry that was changed,
inserted or removed from the middle. The table's triggers refuse UPDATE and DELETE.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, RowMapping, select, text

from app.storage.schema import audit
from app.storage.sql import Page, decode_cursor, encode_cursor, page_size, reading, writing

GENESIS: Final = "0" * 64
ADVISORY_LOCK: Final = 0x6B666175646974  # "kfaudit"
COLUMN_MAX_CHARS: Final = {"who": 128, "act": 64, "object": 256, "ip": 64, "request_id": 128}
VERIFY_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Actor:
    """The author of an act, with address and time. ``who`` is a username or the name of an integration."""

    who: str
    role: str
    at_ms: int
    ip: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """Filters of a list of entries. ``since_ms`` is inclusive, ``until_ms`` exclusive."""

    who: str | None = None
    act: str | None = None
    object: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


@contextmanager
def acting(engine: Engine) -> Iterator[Connection]:
    """Open a writing transaction for an admin act. Admin acts run one after another on all nodes."""
    with writing(engine) as conn:
        _lock(conn)
        yield conn


def record(
    conn: Connection, actor: Actor, act: str, obj: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Append an entry. ``act`` is ``noun.verb``; ``detail`` must contain no secret."""
    _lock(conn)
    newest = conn.execute(select(audit.c.id, audit.c.hash).order_by(audit.c.id.desc()).limit(1))
    last = newest.first()
    entry: dict[str, Any] = {
        "id": last.id + 1 if last else 1,
        "at_ms": actor.at_ms,
        "who": actor.who,
        "role": actor.role,
        "act": act,
        "object": obj,
        "detail": dict(detail or {}),
        "ip": actor.ip,
        "request_id": actor.request_id,
    }
    for name, maximum in COLUMN_MAX_CHARS.items():
        entry[name] = entry[name][:maximum]
    entry["prev_hash"] = last.hash if last else GENESIS
    entry["hash"] = _hash(entry)
    conn.execute(audit.insert(), entry)


def page(
    engine: Engine, filters: AuditFilters | None = None, cursor: str | None = None, limit: int = 50
) -> Page:
    """Return a page of entries, newest first. Raises ``BadCursor``."""
    wanted = filters or AuditFilters()
    size = page_size(limit)
    query = select(audit).order_by(audit.c.id.desc()).limit(size + 1)
    for name in ("who", "act", "object"):
        if (value := getattr(wanted, name)) is not None:
            query = query.where(audit.c[name] == value)
    if wanted.since_ms is not None:
        query = query.where(audit.c.at_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        query = query.where(audit.c.at_ms < wanted.until_ms)
    if cursor:
        query = query.where(audit.c.id < decode_cursor(cursor, int)[0])
    with reading(engine) as conn:
        rows = [dict(row) for row in conn.execute(query).mappings()]
    more = len(rows) > size
    return Page(rows[:size], encode_cursor(rows[size - 1]["id"]) if more else None)


def verify(engine: Engine) -> int | None:
    """Return the id of the first entry that breaks the chain, or None."""
    last_id, last_hash = 0, GENESIS
    with reading(engine) as conn:
        while rows := _after(conn, last_id):
            for row in rows:
                fits = row["id"] == last_id + 1 and row["prev_hash"] == last_hash
                if not fits or row["hash"] != _hash(row):
                    return int(row["id"])
                last_id, last_hash = row["id"], row["hash"]
    return None


def _after(conn: Connection, entry_id: int) -> list[RowMapping]:
    query = select(audit).where(audit.c.id > entry_id).order_by(audit.c.id).limit(VERIFY_BATCH)
    return list(conn.execute(query).mappings())


def _hash(entry: Mapping[str, Any] | RowMapping) -> str:
    hashed = {name: entry[name] for name in audit.c.keys() if name != "hash"}  # noqa: SIM118
    canonical = json.dumps(hashed, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _lock(conn: Connection) -> None:
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
