"""Canned replies: shared by the agents of an official account (owner None), or a person's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, and_, or_, select

from app.storage import checks
from app.storage.errors import Missing
from app.storage.schema import canned_replies

TEXT_MAX_CHARS: Final = 2000


@dataclass(frozen=True, slots=True)
class CannedReply:
    """A canned reply. ``owner`` is a person's id, None for a shared one."""

    id: int
    appid: str
    owner: int | None
    title: str
    text: str
    updated_ms: int


def visible(conn: Connection, appid: str, owner: int) -> list[CannedReply]:
    """Return the shared replies and the person's own, by title."""
    table = canned_replies
    mine = or_(table.c.owner.is_(None), table.c.owner == owner)
    query = select(table).where(table.c.appid == appid, mine).order_by(table.c.title, table.c.id)
    return [_reply(row) for row in conn.execute(query).mappings()]


def create(
    conn: Connection, appid: str, owner: int | None, title: str, text: str, now_ms: int
) -> CannedReply:
    """Insert a reply. Raises ``Invalid``."""
    row = {"appid": appid, "owner": owner, **_content(title, text), "updated_ms": now_ms}
    statement = canned_replies.insert().returning(canned_replies)
    return _reply(conn.execute(statement, row).mappings().one())


def get(conn: Connection, appid: str, reply_id: int) -> CannedReply:
    """Return a reply. Callers check ``owner``. Raises ``Missing``."""
    query = select(canned_replies).where(
        canned_replies.c.appid == appid, canned_replies.c.id == reply_id
    )
    row = conn.execute(query).mappings().first()
    if row is None:
        raise Missing(f"no canned reply {reply_id}")
    return _reply(row)


def update(
    conn: Connection, appid: str, reply_id: int, title: str, text: str, now_ms: int
) -> CannedReply:
    """Change title and text. Raises ``Missing``, ``Invalid``."""
    get(conn, appid, reply_id)
    values = {**_content(title, text), "updated_ms": now_ms}
    conn.execute(canned_replies.update().where(canned_replies.c.id == reply_id).values(values))
    return get(conn, appid, reply_id)


def remove(conn: Connection, appid: str, reply_id: int) -> None:
    """Delete a reply. Raises ``Missing``."""
    table = canned_replies
    this = and_(table.c.appid == appid, table.c.id == reply_id)
    if conn.execute(table.delete().where(this)).rowcount == 0:
        raise Missing(f"no canned reply {reply_id}")


def _content(title: str, text: str) -> dict[str, str]:
    return {
        "title": checks.line("title", title),
        "text": checks.text("text", text, TEXT_MAX_CHARS),
    }


def _reply(row: RowMapping) -> CannedReply:
    values: dict[str, Any] = dict(row)
    return CannedReply(**values)
