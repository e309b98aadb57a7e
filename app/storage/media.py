"""Pictures, voices, videos and files of conversations, stored in the database.

A customer's file is ``pending`` until it has been fetched from the platform by its media_id, which is valid
for 3 days. An agent's upload is ``ready`` at once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, select

from app.storage.errors import Invalid, Missing
from app.storage.schema import media
from app.storage.sql import insert_into, page_size

DATA_MAX_BYTES: Final = 20 * 1024 * 1024
FILENAME_MAX_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Media:
    """A file without its bytes. ``state`` is pending, ready or failed.

    ``session_id`` and ``openid`` are None for an upload that no message uses yet. ``uploaded_by`` is the
    agent's username, None for a customer's file.
    """

    appid: str
    id: str
    kind: str
    created_ms: int
    session_id: str | None = None
    openid: str | None = None
    uploaded_by: str | None = None
    mime: str = ""
    filename: str = ""
    platform_media_id: str = ""
    state: str = "pending"
    size: int = 0
    sha256: str = ""


_COLUMNS: Final = [column for column in media.c if column.name != "data"]


def note_pending(conn: Connection, item: Media) -> Media:
    """Insert a file to be fetched; a repeat changes nothing. Returns the stored file."""
    row = _row(replace(item, state="pending", size=0, sha256=""), None)
    conn.execute(insert_into(conn, media).on_conflict_do_nothing(), row)
    return get(conn, item.appid, item.id)


def add(conn: Connection, item: Media, data: bytes) -> Media:
    """Insert a whole file. Raises ``Invalid`` (empty, too big), ``StorageConflict`` (id in use)."""
    row = _row(replace(item, state="ready", **_measured(data)), data)
    conn.execute(media.insert(), row)
    return get(conn, item.appid, item.id)


def fill(
    conn: Connection, appid: str, media_id: str, data: bytes, mime: str, filename: str = ""
) -> Media:
    """Store the bytes of a pending or failed file; a ready one stays. Raises ``Missing``."""
    values = {
        "data": data,
        "mime": mime,
        "filename": filename[:FILENAME_MAX_CHARS],
        "state": "ready",
        **_measured(data),
    }
    unready = and_(_is(appid, media_id), media.c.state != "ready")
    conn.execute(media.update().where(unready).values(values))
    return get(conn, appid, media_id)


def fail(conn: Connection, appid: str, media_id: str) -> Media:
    """Mark a pending file as failed. Raises ``Missing``."""
    waiting = and_(_is(appid, media_id), media.c.state == "pending")
    conn.execute(media.update().where(waiting).values(state="failed"))
    return get(conn, appid, media_id)


def attach(conn: Connection, appid: str, media_id: str, session_id: str, openid: str) -> Media:
    """Tie an upload to the conversation that it is sent in; the conversation's readers may then see it.

    Raises ``Missing``, and ``Invalid`` if it belongs to another conversation.
    """
    found = get(conn, appid, media_id)
    if found.session_id not in (None, session_id):
        raise Invalid("media_id", "belongs to another conversation")
    values = {"session_id": session_id, "openid": openid}
    conn.execute(media.update().where(_is(appid, media_id)).values(values))
    return get(conn, appid, media_id)


def get(conn: Connection, appid: str, media_id: str) -> Media:
    """Return a file without its bytes. Raises ``Missing``."""
    row = conn.execute(select(*_COLUMNS).where(_is(appid, media_id))).mappings().first()
    if row is None:
        raise Missing(f"no media {media_id}")
    return Media(**row)


def content(conn: Connection, appid: str, media_id: str) -> bytes:
    """Return the bytes of a file. Raises ``Missing``, also if they are not stored yet."""
    data = conn.execute(select(media.c.data).where(_is(appid, media_id))).scalar_one_or_none()
    if data is None:
        raise Missing(f"no content of media {media_id}")
    return bytes(data)


def pending(conn: Connection, appid: str, limit: int = 50) -> list[Media]:
    """Return the files still to be fetched, oldest first."""
    query = (
        select(*_COLUMNS)
        .where(media.c.appid == appid, media.c.state == "pending")
        .order_by(media.c.created_ms)
        .limit(page_size(limit))
    )
    return [Media(**row) for row in conn.execute(query).mappings()]


def _is(appid: str, media_id: str) -> ColumnElement[bool]:
    return and_(media.c.appid == appid, media.c.id == media_id)


def _measured(data: bytes) -> dict[str, Any]:
    if not data:
        raise Invalid("media", "is empty")
    if len(data) > DATA_MAX_BYTES:
        raise Invalid("media", f"must be at most {DATA_MAX_BYTES} bytes")
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _row(item: Media, data: bytes | None) -> dict[str, Any]:
    row = {column.name: getattr(item, column.name) for column in _COLUMNS}
    return {**row, "filename": item.filename[:FILENAME_MAX_CHARS], "data": data}
