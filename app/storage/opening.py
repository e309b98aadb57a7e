"""The database at a node's start: migrated, once its server is available."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from app.storage import engine as engines
from app.storage.engine import Database
from app.storage.migrate import migrate
from app.storage.sql import StorageDown, StorageError

WAIT_S: Final = 60.0
RETRY_S: Final = 1.0


def opened(
    database_url: str | None,
    data_dir: Path,
    tell: Callable[[str], None],
    stopping: Callable[[], bool],
) -> Database:
    """Return the migrated database. For ``WAIT_S`` it retries, and reports the reason to ``tell`` each time.

    The whole machine may be starting, its servers in any order. Raises ``StorageError``.
    """
    engine = engines.create(database_url, data_dir)
    deadline = time.monotonic() + WAIT_S
    try:
        while not _migrated(engine, tell, stopping() or time.monotonic() >= deadline):
            time.sleep(RETRY_S)
    except StorageError:
        engine.dispose()
        raise
    return engine


def _migrated(engine: Database, tell: Callable[[str], None], last: bool) -> bool:
    try:
        migrate(engine)
    except StorageDown as error:
        if last or engines.sqlite_file(engine):  # waiting does not help with a file
            raise
        tell(f"waiting: {error}")
        return False
    return True
