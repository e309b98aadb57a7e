"""Shared parts of the SQL adapters: transactions with our own errors, upserts, paging cursors."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection as Connection
from sqlalchemy import Engine as Engine
from sqlalchemy import Table, exc

from app.storage.sql_reasons import reason

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

WRITE_OPTION: Final = "kf_write"
CURSOR_MAX_CHARS: Final = 400
LIMIT_MAX: Final = 200


class StorageError(Exception):
    """A failed operation of the database. The text contains no values."""


class StorageDown(StorageError):
    """The database is unreachable, locked or too slow. Nothing was written."""


class StorageConflict(StorageError):
    """A row with the key exists already, or a row that it refers to does not."""


class StorageUnfit(StorageError):
    """A value that no column can store, such as a NUL in a text. Nothing was written."""


class BadCursor(ValueError):
    """A paging cursor that this program did not issue."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, newest first. ``next_cursor`` is None on the last page."""

    items: list[dict[str, Any]]
    next_cursor: str | None


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction with one consistent view. Its errors become ``StorageError``."""
    with _translated(), engine.begin() as conn:
        yield conn


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that may write. It commits at the end and rolls back on any exception.

    SQLite takes its write lock at once, because a lock taken later cannot wait for another writer.
    """
    with _translated(), engine.execution_options(**{WRITE_OPTION: True}).begin() as conn:
        yield conn


@contextmanager
def _translated() -> Iterator[None]:
    # "from None": the drivers' texts quote whole rows, which must not reach a log.
    try:
        yield
    except exc.IntegrityError as error:
        raise StorageConflict(f"the database refused: {_reason(error)}") from None
    except (exc.DataError, OverflowError) as error:
        raise StorageUnfit(f"the database cannot hold a value: {type(error).__name__}") from None
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
        raise StorageDown(f"the database is not available: {_reason(error)}") from None
    except exc.SQLAlchemyError as error:
        raise StorageError(f"database error: {_reason(error)}") from None


def _reason(error: exc.SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None) or error
    connecting = getattr(error, "statement", None) is None
    return reason(cause, connecting=connecting, lost=isinstance(error, exc.OperationalError))


def insert_into(conn: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT of the connection's dialect, with ON CONFLICT. The other dialect is not imported."""
    dialect = import_module(f"sqlalchemy.dialects.{conn.dialect.name}")
    statement: sqlite.Insert | postgresql.Insert = dialect.insert(table)
    return statement


def page_size(limit: int) -> int:
    """Return the limit, bounded to 1 … ``LIMIT_MAX``."""
    return max(1, min(limit, LIMIT_MAX))


def encode_cursor(*parts: int | str) -> str:
    raw = json.dumps(parts, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_cursor(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """Return the parts of ``encode_cursor``, checked to be of ``kinds``. Raises ``BadCursor``."""
    if len(cursor) > CURSOR_MAX_CHARS:
        raise BadCursor("cursor too long")
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise BadCursor("not a cursor of this list") from None
    if not isinstance(parts, list) or [type(part) for part in parts] != list(kinds):
        raise BadCursor("not a cursor of this list")
    if any(isinstance(part, str) and "\0" in part for part in parts):
        raise BadCursor("not a cursor of this list")
    if any(isinstance(part, int) and abs(part) >= 2**63 for part in parts):
        raise BadCursor("not a cursor of this list")
    return tuple(parts)
