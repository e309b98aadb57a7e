"""Remark, facts for routing, tags and notes of customers.

``wechat-platform.md`` gives no names or pictures of customers, so a remark is what agents see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, select

from app.storage import checks
from app.storage.errors import Invalid, Missing
from app.storage.schema import customer_notes, customers
from app.storage.sql import Page, decode_cursor, encode_cursor, insert_into, page_size

REMARK_MAX_CHARS: Final = 128
NOTE_MAX_CHARS: Final = 2000
FACTS_MAX_BYTES: Final = 8192
TAGS_MAX: Final = 50
TAG_MAX_CHARS: Final = 32


@dataclass(frozen=True, slots=True)
class CustomerCard:
    """The stored data of one customer. An unknown customer has an empty card."""

    appid: str
    openid: str
    remark: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    updated_ms: int = 0


def get(conn: Connection, appid: str, openid: str) -> CustomerCard:
    """Return the card, empty if nothing is stored."""
    query = select(customers).where(customers.c.appid == appid, customers.c.openid == openid)
    row = conn.execute(query).mappings().first()
    if row is None:
        return CustomerCard(appid, openid)
    return CustomerCard(**{**row, "tags": tuple(row["tags"])})


def many(conn: Connection, appid: str, openids: Iterable[str]) -> dict[str, CustomerCard]:
    """Return the cards of several customers, without those of whom nothing is stored."""
    wanted = and_(customers.c.appid == appid, customers.c.openid.in_(list(openids)))
    rows = conn.execute(select(customers).where(wanted)).mappings()
    return {r["openid"]: CustomerCard(**{**r, "tags": tuple(r["tags"])}) for r in rows}


def set_remark(conn: Connection, appid: str, openid: str, remark: str, now_ms: int) -> CustomerCard:
    """Replace the remark. Raises ``Invalid``."""
    value = checks.line("remark", remark, REMARK_MAX_CHARS, empty=True)
    return _put(conn, appid, openid, now_ms, remark=value)


def set_tags(
    conn: Connection, appid: str, openid: str, tags: Iterable[str], now_ms: int
) -> CustomerCard:
    """Replace the tags, in the given order, each once. Raises ``Invalid``."""
    cleaned = list(dict.fromkeys(checks.line("tags", tag, TAG_MAX_CHARS) for tag in tags))
    if len(cleaned) > TAGS_MAX:
        raise Invalid("tags", f"must be at most {TAGS_MAX}")
    return _put(conn, appid, openid, now_ms, tags=cleaned)


def put_facts(
    conn: Connection, appid: str, openid: str, facts: Mapping[str, Any], now_ms: int
) -> CustomerCard:
    """Merge facts; None removes a fact. Raises ``Invalid``."""
    _put(conn, appid, openid, now_ms)
    this = and_(customers.c.appid == appid, customers.c.openid == openid)
    stored = conn.execute(select(customers.c.facts).where(this).with_for_update()).scalar_one()
    merged = {**stored, **facts}
    merged = {name: value for name, value in merged.items() if value is not None}
    checks.mapping("facts", merged, FACTS_MAX_BYTES)
    return _put(conn, appid, openid, now_ms, facts=merged)


def add_note(
    conn: Connection, appid: str, openid: str, author: str, note: str, now_ms: int
) -> dict[str, Any]:
    """Insert a note. Raises ``Invalid``."""
    row = {
        "appid": appid,
        "openid": openid,
        "author": author,
        "text": checks.text("text", note, NOTE_MAX_CHARS),
        "created_ms": now_ms,
        "edited_by": None,
        "edited_ms": None,
    }
    statement = customer_notes.insert().returning(customer_notes.c.id)
    return {"id": conn.execute(statement, row).scalar_one(), **row}


def notes(
    conn: Connection, appid: str, openid: str, cursor: str | None = None, limit: int = 50
) -> Page:
    """Return the notes on a customer, newest first. Raises ``BadCursor``."""
    table = customer_notes
    size = page_size(limit)
    query = select(table).where(table.c.appid == appid, table.c.openid == openid)
    if cursor:
        query = query.where(table.c.id < decode_cursor(cursor, int)[0])
    found = conn.execute(query.order_by(table.c.id.desc()).limit(size + 1)).mappings()
    rows = [dict(row) for row in found]
    more = len(rows) > size
    return Page(rows[:size], encode_cursor(rows[size - 1]["id"]) if more else None)


def note(conn: Connection, appid: str, openid: str, note_id: int) -> dict[str, Any]:
    """Return a note. Raises ``Missing``."""
    row = conn.execute(select(customer_notes).where(_this(appid, openid, note_id))).mappings()
    found = row.first()
    if found is None:
        raise Missing(f"no note {note_id}")
    return dict(found)


def change_note(
    conn: Connection, appid: str, openid: str, note_id: int, text: str, by: str, now_ms: int
) -> dict[str, Any]:
    """Change the text of a note and record the editor. Raises ``Missing``, ``Invalid``."""
    values = {
        "text": checks.text("text", text, NOTE_MAX_CHARS),
        "edited_by": by,
        "edited_ms": now_ms,
    }
    conn.execute(customer_notes.update().where(_this(appid, openid, note_id)).values(values))
    return note(conn, appid, openid, note_id)


def remove_note(conn: Connection, appid: str, openid: str, note_id: int) -> None:
    """Delete a note. Raises ``Missing``."""
    this = _this(appid, openid, note_id)
    if conn.execute(customer_notes.delete().where(this)).rowcount == 0:
        raise Missing(f"no note {note_id}")


def _this(appid: str, openid: str, note_id: int) -> ColumnElement[bool]:
    table = customer_notes
    return and_(table.c.appid == appid, table.c.openid == openid, table.c.id == note_id)


def _put(conn: Connection, appid: str, openid: str, now_ms: int, **values: Any) -> CustomerCard:
    empty: dict[str, Any] = {"remark": "", "facts": {}, "tags": []}
    changed = {**values, "updated_ms": now_ms}
    row = {"appid": appid, "openid": openid, **empty, **changed}
    statement = insert_into(conn, customers).on_conflict_do_update(
        index_elements=["appid", "openid"], set_=changed
    )
    conn.execute(statement, row)
    return get(conn, appid, openid)
