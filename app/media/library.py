"""The one door to the bytes of files.

The bytes are in rows of the database. Another store for them is a change of this module.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from app.media.types import FileType
from app.refusals import Refusal
from app.storage import media
from app.storage.media import Media
from app.storage.sql import Engine, reading, writing


class Library:
    """The files of one official account: what customers sent and what agents uploaded.

    Every method raises StorageError.
    """

    def __init__(self, engine: Engine, appid: str) -> None:
        self._engine = engine
        self._appid = appid

    def add_upload(
        self, content: bytes, kind: FileType, filename: str, uploaded_by: str, now_ms: int
    ) -> Media:
        """Store the file of the user ``uploaded_by``. Raises Invalid (empty, too big)."""
        item = Media(
            appid=self._appid,
            id=secrets.token_hex(12),
            kind=kind.kind,
            created_ms=now_ms,
            uploaded_by=uploaded_by,
            mime=kind.mime,
            filename=filename,
        )
        with writing(self._engine) as conn:
            return media.add(conn, item, content)

    def add_received(self, item: Media, content: bytes) -> Media:
        """Store a customer's file once: the same ``item.id`` again changes nothing. Raises Invalid."""
        item = replace(item, appid=self._appid)
        with writing(self._engine) as conn:
            media.note_pending(conn, item)
            return media.fill(conn, self._appid, item.id, content, item.mime, item.filename)

    def find(self, media_id: str) -> Media:
        """Return what is known of a file. Raises Missing."""
        with reading(self._engine) as conn:
            return media.get(conn, self._appid, media_id)

    def content(self, media_id: str) -> bytes:
        """Return the bytes of a file. Raises Missing, also while they are not fetched yet."""
        with reading(self._engine) as conn:
            return media.content(conn, self._appid, media_id)

    def attach(
        self, media_id: str, kind: str, uploaded_by: str, session_id: str, openid: str
    ) -> Media:
        """Tie a file to the conversation that it is sent in; its readers may then see the file.

        Raises Missing, Invalid where another conversation has the file, and Refusal: forbidden where
        another user uploaded it, invalid where it is not of ``kind``.
        """
        with writing(self._engine) as conn:
            item = media.get(conn, self._appid, media_id)
            if item.session_id != session_id and item.uploaded_by != uploaded_by:
                raise Refusal("forbidden", "This file is not yours.")
            if item.kind != kind:
                raise Refusal("invalid", f"This file is of the type {item.kind}.")
            return media.attach(conn, self._appid, media_id, session_id, openid)
