"""Fetches what customers send as soon as it is known, by media_id only; the platform keeps it 3 days.

A message's ``PicUrl`` and the like are never followed: in plaintext mode anyone could have written them.
"""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import structlog

from app.account import Account
from app.media.library import Library
from app.media.types import sniff
from app.storage.media import Media
from app.storage.sql import StorageError
from app.wechat.api import NotConnected, OutcomeUnknown, PlatformRefused, WeChatApi
from sessions.messages import split_message_id
from sessions.model import SessionError

BATCH: Final = 50
RETRY_MS: Final = 30_000
GIVE_UP_MS: Final = 3 * 24 * 3600 * 1000

log = structlog.get_logger()


class MediaFetcher:
    """Fetches for one official account on this node; a job is done once, whoever does it."""

    def __init__(
        self, account: Account, api: WeChatApi, files: Library, pool: ThreadPoolExecutor
    ) -> None:
        self._account = account
        self._api = api
        self._files = files
        self._pool = pool
        self._lock = threading.Lock()
        self._busy: set[str] = set()

    def poll(self, now_ms: int) -> None:
        """Starts every job that is due and not under way here."""
        for member in self._account.queries.media_jobs(now_ms, BATCH):
            with self._lock:
                if member in self._busy:
                    continue
                self._busy.add(member)
            self._pool.submit(self._run, member, now_ms)

    def _run(self, member: str, now_ms: int) -> None:
        try:
            self.fetch(member, now_ms)
        except (SessionError, StorageError) as error:
            log.warning("media_fetch_interrupted", appid=self._account.appid, error=str(error))
        except Exception:
            log.exception("media_fetch_failed", appid=self._account.appid)
        finally:
            with self._lock:
                self._busy.discard(member)

    def fetch(self, member: str, now_ms: int) -> None:
        """One message's file into the database, its message amended."""
        session_id, seq = split_message_id(member.replace(":", "."))
        message = self._account.queries.message(session_id, seq)
        if message is None:
            self._account.store.amend(session_id, seq, {}, f"media:{member}")
            return
        try:
            got = self._api.get_media(message["media"]["media_id"])
        except PlatformRefused as refused:
            self._amend(session_id, seq, message, {"state": "failed", "errcode": refused.errcode})
        except (NotConnected, OutcomeUnknown):
            if now_ms - message["created_ms"] > GIVE_UP_MS:
                self._amend(session_id, seq, message, {"state": "failed"})
            else:
                self._account.store.postpone_media(member, now_ms + RETRY_MS)
        else:
            kept = self._keep(session_id, message, got.content, got.filename)
            self._amend(session_id, seq, message, {"state": "ready", **kept})

    def _keep(
        self, session_id: str, message: dict[str, Any], content: bytes, filename: str
    ) -> dict[str, Any]:
        """Under an id made from the message, so that doing it twice keeps one file."""
        kind = sniff(content)
        item = Media(
            appid=self._account.appid,
            id=message["id"].replace(".", "-"),
            kind=message["type"],
            created_ms=message["created_ms"],
            session_id=session_id,
            mime=kind.mime,
            filename=filename,
        )
        stored = self._files.add_received(item, content)
        return {"media_id": stored.id, "mime": stored.mime, "size": stored.size}

    def _amend(
        self, session_id: str, seq: int, message: dict[str, Any], found: dict[str, Any]
    ) -> None:
        """The platform's media_id gives way to ours: it is of no use to a desk."""
        changed = {"media": {**message["media"], "media_id": None, **found}}
        self._account.store.amend(session_id, seq, changed, secrets.token_hex(8))
