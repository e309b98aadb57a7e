"""Closed conversations move to SQL: many to a transaction, and out of Redis only if unchanged since."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import structlog

from app.account import Account
from app.conversations import views
from app.tally import TALLY
from sessions.reading import Row
from sessions.records import Closed
from sessions.sql import StorageDown, StorageError

BATCH: Final = 50
"""Conversations read at once and kept by one transaction."""

ROUNDS: Final = 200
"""Batches of one tick at most; the next tick goes on."""

PAGE: Final = 500
"""Messages of one conversation read at once."""

log = structlog.get_logger()


def archive_closed(account: Account) -> int:
    """Those with a message still to be sent are passed over; how many left Redis."""
    moved = kept = 0
    for _ in range(ROUNDS):
        ids = account.reading.closed(BATCH, offset=kept)
        gone = _archived(account, account.reading.rows(ids))
        moved += gone
        kept += len(ids) - gone
        if len(ids) < BATCH:
            break
    return moved


def _archived(account: Account, rows: Sequence[Row]) -> int:
    """Insert by key, commit, then forget what is unchanged; how many are gone from Redis."""
    contents = account.reading.contents([row.session.id for row in rows], PAGE)
    closed = {
        row.session.id: Closed(
            views.session_view(row, account.appid),
            _complete(account, row.session.id, first),
            json.loads(card) if card else None,
        )
        for row, (first, card) in zip(rows, contents, strict=True)
    }
    settled = {sid: one for sid, one in closed.items() if not one.still_sending}
    kept = _kept(account, settled)
    revs = {row.session.id: row.session.rev for row in rows if row.session.id in kept}
    gone = account.store.forget_all(revs)
    for row in rows:
        if row.session.id in gone and row.session.first_reply_ms:
            TALLY.answered(account.appid, row.session.created_ms, row.session.first_reply_ms)
    return len(gone)


def _complete(
    account: Account, session_id: str, first: list[dict[str, object]]
) -> list[dict[str, object]]:
    found, page = list(first), first
    while len(page) == PAGE:
        page = account.reading.messages(session_id, len(found), PAGE)
        found += page
    return found


def _kept(account: Account, closed: dict[str, Closed]) -> set[str]:
    """Ids of those that are in SQL now. One the database refuses does not keep the others out."""
    try:
        account.records.archive_all(account.appid, list(closed.values()))
        return set(closed)
    except StorageDown:
        raise
    except StorageError as error:
        if len(closed) == 1:
            log.error("not_archived", appid=account.appid, session_id=min(closed), error=str(error))
            return set()
    return {sid for sid, one in closed.items() if _kept(account, {sid: one})}
