"""Notifications that an agent of one official account changed, for waiting nodes."""

from __future__ import annotations

import redis

from sessions.store.connection import link_to
from sessions.store.keys import Keys
from sessions.store.scripts import guarded


class RosterNews:
    """Reads the stream, a few entries long. ``blocking`` is a client without a read time-out."""

    def __init__(self, blocking: redis.Redis, appid: str) -> None:
        self._key = Keys(appid).of("roster_news")
        self._link = link_to(blocking)

    def after(self, ident: str, block_ms: int) -> str:
        """Wait for a change after ``ident``. Returns the newest id, or ``ident`` if none comes in time.

        Raises StoreDown.
        """
        command = ("XREAD", "BLOCK", block_ms, "STREAMS", self._key, ident)
        rows = guarded(lambda: self._link.call(*command))
        return str(rows[0][1][-1][0]) if rows else ident
