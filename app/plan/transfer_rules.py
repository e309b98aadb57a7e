"""The transfer rules from memory: the callback asks them and must never wait for SQL."""

from __future__ import annotations

import threading
import time
from typing import Final

import structlog

from app.storage import transfer_rules
from app.storage.sql import Engine, StorageError, reading
from routing.transfer_rules import TransferRules

REFRESH_S: Final = 3.0

log = structlog.get_logger()


class LiveTransferRules:
    """The rules of one official account; re-read behind, the last ones go on meanwhile."""

    def __init__(self, engine: Engine, appid: str, refresh_s: float = REFRESH_S) -> None:
        self._engine = engine
        self._appid = appid
        self._refresh_s = refresh_s
        self._current = transfer_rules.read_defaults()
        self._next_read_s = 0.0
        self._reading = threading.Lock()

    def __call__(self) -> TransferRules:
        if time.monotonic() >= self._next_read_s and self._reading.acquire(blocking=False):
            self._next_read_s = time.monotonic() + self._refresh_s
            threading.Thread(target=self._read_behind, name="transfer-rules", daemon=True).start()
        return self._current

    def reload(self) -> None:
        """Read now: on the node where they were changed. Raises StorageError."""
        with reading(self._engine) as conn:
            self._current = transfer_rules.get(conn, self._appid).rules
        self._next_read_s = time.monotonic() + self._refresh_s

    def _read_behind(self) -> None:
        try:
            self.reload()
        except StorageError as error:
            log.warning("transfer_rules_not_read", appid=self._appid, error=str(error))
        finally:
            self._reading.release()
