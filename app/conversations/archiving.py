"""Move closed conversations to SQL, many in a transaction, and out of Redis only if unchanged since."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import structlog

from app.account import Account
from app.conversations import views
from app.conversations.timers.sweep import AT_REST
from app.metrics.tally import TALLY
from app.node.tuning import SHORT_TURNS
from app.storage.records import Closed
from app.storage.sql import StorageDown, StorageError
from sessions.model import Session
from sessions.slices import slices
from sessions.store.queries import Row

BATCH: Final = 50
"""Conversations stored by one transaction."""

TOGETHER: Final = 10
"""Conversations read, or dropped, in one round trip; a concurrent push waits for it."""

ROUNDS: Final = 200
"""Batches of one tick at most; the next tick continues."""

PATIENCE_S: Final = 1.0
"""Seconds for which a batch waits for a sweep of this node to end."""

PAGE: Final = 500
"""Messages of one conversation read at once."""

log = structlog.get_logger()


def archive_closed(account: Account) -> int:
    """Move closed conversations to SQL, except those with a pending message.

    Returns how many were removed from Redis.
    """
    moved = kept = 0
    with SHORT_TURNS:
        for _ in range(ROUNDS):
            AT_REST.wait(PATIENCE_S)
            ids = account.queries.closed(BATCH, offset=kept)
            gone = _archived(account, ids)
            moved += gone
            kept += len(ids) - gone
            if len(ids) < BATCH:
                break
    return moved


def _archived(account: Account, ids: Sequence[str]) -> int:
    """Insert by key, commit, then drop what is unchanged. Returns how many were removed from Redis."""
    read = [one for some in slices(ids, TOGETHER) for one in _read(account, some)]
    settled = {row.session.id: closed for row, closed in read if not closed.still_sending}
    kept = _kept(account, settled)
    sessions = [row.session for row, _ in read if row.session.id in kept]
    gone = [one for some in slices(sessions, TOGETHER) for one in _forgotten(account, some)]
    for session in gone:
        if session.first_reply_ms:
            TALLY.answered(account.appid, session.created_ms, session.first_reply_ms)
    return len(gone)


def _read(account: Account, ids: Sequence[str]) -> list[tuple[Row, Closed]]:
    rows = account.queries.rows(ids)
    contents = account.queries.contents([row.session.id for row in rows], PAGE)
    return [
        (row, _closed(account, row, first, card))
        for row, (first, card) in zip(rows, contents, strict=True)
    ]


def _closed(account: Account, row: Row, first: list[dict[str, object]], card: str | None) -> Closed:
    return Closed(
        views.session_view(row, account.appid),
        _complete(account, row.session.id, first),
        json.loads(card) if card else None,
    )


def _forgotten(account: Account, sessions: Sequence[Session]) -> list[Session]:
    gone = account.store.forget_all({session.id: session.rev for session in sessions})
    return [session for session in sessions if session.id in gone]


def _complete(
    account: Account, session_id: str, first: list[dict[str, object]]
) -> list[dict[str, object]]:
    found, page = list(first), first
    while len(page) == PAGE:
        page = account.queries.messages(session_id, len(found), PAGE)
        found += page
    return found


def _kept(account: Account, closed: dict[str, Closed]) -> set[str]:
    """Return the ids of those that are stored in SQL now; one that SQL refuses keeps no other out."""
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
