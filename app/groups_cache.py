"""Which group helps out, from memory: the callback asks it and must never wait for SQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Final

import structlog

from app.storage import groups
from sessions.sql import Engine, StorageError, reading

REFRESH_S: Final = 3.0

log = structlog.get_logger()


class Fallbacks:
    """The fallback group of each group of one official account; re-read behind every ``refresh_s``.

    A database that is slow or away holds nobody up: what was read last goes on.
    """

    def __init__(self, engine: Engine, appid: str, refresh_s: float = REFRESH_S) -> None:
        self._engine = engine
        self._appid = appid
        self._refresh_s = refresh_s
        self._current: Mapping[str, str] = {}
        self._next_read_s = 0.0
        self._reading = threading.Lock()

    def __call__(self, group: str) -> str:
        """The group's fallback, "" without one."""
        if time.monotonic() >= self._next_read_s and self._reading.acquire(blocking=False):
            self._next_read_s = time.monotonic() + self._refresh_s
            threading.Thread(target=self._read_behind, name="fallbacks", daemon=True).start()
        return self._current.get(group, "")

    def reload(self) -> None:
        """Read now: at the start, and on the node where a group was changed. Raises StorageError."""
        with reading(self._engine) as conn:
            found = groups.everyone(conn, self._appid)
        self._current = {group.name: group.fallback or "" for group in found}
        self._next_read_s = time.monotonic() + self._refresh_s

    def _read_behind(self) -> None:
        try:
            self.reload()
        except StorageError as error:
            log.warning("fallbacks_not_read", appid=self._appid, error=str(error))
        finally:
            self._reading.release()
