"""Archived messages of all conversations in the order of time, for exports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Engine, and_, select, tuple_

from app.storage.archive_schema import messages_archive, sessions_archive
from app.storage.records import Filters
from app.storage.sql import reading

BATCH_ROWS: Final = 500


def messages_between(
    engine: Engine, appid: str, filters: Filters
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield (message, conversation), oldest first; ``filters`` compare the messages' ``created_ms``.

    Each batch has its own transaction, so that a slow reader holds no lock.
    """
    after: tuple[int, str, int] | None = None
    while True:
        with reading(engine) as conn:
            rows = conn.execute(_query(appid, filters, after)).all()
        for row in rows:
            yield row.data, row.conversation
        if len(rows) < BATCH_ROWS:
            return
        last = rows[-1]
        after = (last.created_ms, last.session_id, last.seq)


def _query(appid: str, filters: Filters, after: tuple[int, str, int] | None) -> Any:
    m, s = messages_archive.c, sessions_archive.c
    wanted = [m.appid == appid]
    wanted += [
        s[name] == value
        for name in ("kf_account", "group", "openid")
        if (value := getattr(filters, name)) is not None
    ]
    if filters.since_ms is not None:
        wanted.append(m.created_ms >= filters.since_ms)
    if filters.until_ms is not None:
        wanted.append(m.created_ms < filters.until_ms)
    if after is not None:
        wanted.append(tuple_(m.created_ms, m.session_id, m.seq) > tuple_(*after))
    joined = and_(s.appid == m.appid, s.id == m.session_id)
    return (
        select(m.data, s.data.label("conversation"), m.created_ms, m.session_id, m.seq)
        .select_from(messages_archive.join(sessions_archive, joined))
        .where(and_(*wanted))
        .order_by(m.created_ms, m.session_id, m.seq)
        .limit(BATCH_ROWS)
    )
