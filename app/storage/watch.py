"""A watch that pings the database all the time, so that its state is known without waiting."""

from __future__ import annotations

import threading
from time import monotonic
from typing import Final

import structlog

from app.storage import values
from app.storage.sql import Engine, StorageError, reading

EVERY_S: Final = 2.0
PATIENCE_S: Final = 0.8
"""Seconds without an answer after which the database counts as unavailable."""

log = structlog.get_logger()


class DatabaseWatch:
    """A thread that pings. A database that hangs blocks this thread only."""

    def __init__(self, engine: Engine, every_s: float = EVERY_S) -> None:
        self._engine = engine
        self._every_s = every_s
        self._stopping = threading.Event()
        self._answered = True  # the migration has just succeeded
        self._asked_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="database-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread. A thread that waits for a hanging database is abandoned."""
        self._stopping.set()
        self._thread.join(PATIENCE_S)

    def up(self) -> bool:
        """Return whether the last ping was answered and the open one is not overdue."""
        asked_at = self._asked_at
        overdue = asked_at is not None and monotonic() - asked_at > PATIENCE_S
        return self._answered and not overdue

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            self._asked_at = monotonic()
            answered = self._ask()
            if answered != self._answered:
                log.warning("database_back" if answered else "database_away")
            self._answered, self._asked_at = answered, None

    def _ask(self) -> bool:
        try:
            with reading(self._engine) as conn:
                values.get(conn, "readyz")
        except StorageError:
            return False
        except Exception:
            log.exception("database_watch_failed")
            return False
        return True
