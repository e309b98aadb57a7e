"""Whether the database answers: asked all the time, so that nobody who wants to know has to wait for it."""

from __future__ import annotations

import threading
from time import monotonic
from typing import Final

import structlog

from app.storage import values
from app.storage.sql import Engine, StorageError, reading

EVERY_S: Final = 2.0
PATIENCE_S: Final = 0.8
"""A question without an answer for so long means that the database is away."""

log = structlog.get_logger()


class DatabaseWatch:
    """One thread that asks; a database that hangs costs that thread and nobody else."""

    def __init__(self, engine: Engine, every_s: float = EVERY_S) -> None:
        self._engine = engine
        self._every_s = every_s
        self._stopping = threading.Event()
        self._answered = True  # the schema has just been looked at
        self._asked_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="database-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; one that waits for a database that hangs is left behind."""
        self._stopping.set()
        self._thread.join(PATIENCE_S)

    def up(self) -> bool:
        """Return whether the last question was answered and the open one is not overdue."""
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
