"""The marks of an unfinished restore, which fills the database and then Redis.

A restore marks a store before its first write, and nodes and commands refuse a marked store. A mark
contains the digest of the archive, so that a killed restore resumes with the same archive only:

    database  begun    filled    filled    filled    -
    Redis     -        filling   filling   settled   settled   -

One transaction fills the database and changes its mark. Redis is emptied and filled again if its mark is
``filling``. Redis without a mark is never emptied.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.storage import values
from app.storage.engine import Database, Transaction
from app.storage.sql import StorageError, reading, writing
from sessions.store.clients import Redis
from sessions.store.layout import restore_mark

KEY: Final = "restore"
BEGUN: Final = "begun"
FILLED: Final = "filled"
FILLING: Final = "filling"
SETTLED: Final = "settled"
AGAIN: Final = "run kf restore with the same archive again, or empty the database and Redis"


class UnfinishedRestore(StorageError):
    """A database that contains only a part of an archive."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The marks of both stores for the archive ``digest``, "" for a store without one."""

    digest: str
    database: str
    redis: str


def digest_of(file: Path) -> str:
    with file.open("rb") as archive:
        return hashlib.file_digest(archive, "sha256").hexdigest()


def refuse_unfinished(engine: Database) -> None:
    """Refuse a database with an unfinished restore. Raises UnfinishedRestore."""
    with reading(engine) as conn:
        if values.get(conn, KEY):
            raise UnfinishedRestore(f"a restore into it has not ended: {AGAIN}")


def progress(engine: Database, client: Redis, digest: str) -> Progress:
    """Return the marks. Raises UnfinishedRestore if a mark has the digest of another archive."""
    with reading(engine) as conn:
        marks = [values.get(conn, KEY) or "", restore_mark(client)]
    found = [mark.partition(" ")[::2] for mark in marks]
    if any(name not in ("", digest) for name, _ in found):
        raise UnfinishedRestore(f"the restore of another archive has not ended: {AGAIN}")
    return Progress(digest, found[0][1], found[1][1])


def mark(engine: Database, digest: str, state: str) -> None:
    with writing(engine) as conn:
        mark_in(conn, digest, state)


def mark_in(conn: Transaction, digest: str, state: str) -> None:
    """Set the mark in the caller's transaction."""
    values.put(conn, KEY, f"{digest} {state}")


def unmark(engine: Database) -> None:
    with writing(engine) as conn:
        values.remove(conn, KEY)
