"""Closed conversations in SQL: written by key, read newest first.

The copy in Redis is removed only after ``archive_all`` returned. So it may run twice for one conversation,
also concurrently on two nodes. A repeat changes nothing; a later state replaces an earlier one, never the
reverse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, case, select, tuple_

from app.storage.archive_schema import messages_archive, routing_cards, sessions_archive
from app.storage.sql import (
    Page,
    decode_cursor,
    encode_cursor,
    insert_into,
    page_size,
    reading,
    writing,
)
from sessions.slices import slices

BATCH_ROWS: Final = 500
SEARCHED_SESSIONS: Final = 5_000
STATUS_RANK: Final = {"unknown": 1, "sent": 2, "failed": 2}


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters of a list of closed conversations. None does not filter.

    ``since_ms`` is inclusive, ``until_ms`` exclusive; both compare ``closed_ms``.
    """

    kf_account: str | None = None
    group: str | None = None
    close_reason: str | None = None
    openid: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed conversation with its messages and its routing card, in the shapes of the API.

    ``session`` needs ``id``, ``openid``, ``created_ms`` and ``closed_ms``. Its ``rev`` (else ``version``)
    tells which of two copies is later.
    """

    session: Mapping[str, Any]
    messages: Sequence[Mapping[str, Any]]
    card: Mapping[str, Any] | None = None

    @property
    def still_sending(self) -> bool:
        return any(message["status"] == "pending" for message in self.messages)


class Records:
    """The archive of all official accounts in one database. Raises ``StorageError``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def archive_all(self, appid: str, closed: Sequence[Closed]) -> None:
        """Store closed conversations, each given once, in one transaction. Raises ``ValueError``."""
        if not all(one.session.get("closed_ms") for one in closed):
            raise ValueError("only a closed conversation can be archived")
        if not closed:
            return
        with writing(self._engine) as conn:
            written = _put_sessions(conn, appid, [one.session for one in closed])
            current = [one for one in closed if one.session["id"] in written]
            _put_messages(conn, appid, current)
            _put_cards(conn, appid, current)

    def session(self, appid: str, session_id: str) -> dict[str, Any] | None:
        """Return the archived conversation as ``archive_all`` got it, or None."""
        query = select(sessions_archive.c.data).where(
            sessions_archive.c.appid == appid, sessions_archive.c.id == session_id
        )
        return self._one(query)

    def rate(self, appid: str, session_id: str, rating: Mapping[str, Any]) -> dict[str, Any] | None:
        """Store the customer's rating. Returns the conversation, or None if it is not archived (yet)."""
        table = sessions_archive
        this = and_(table.c.appid == appid, table.c.id == session_id)
        with writing(self._engine) as conn:
            data: dict[str, Any] | None = conn.execute(
                select(table.c.data).where(this).with_for_update()
            ).scalar_one_or_none()
            if data is None:
                return None
            rated = {**data, "rating": data.get("rating") or dict(rating)}
            rated["rev"] = int(data.get("rev") or 0) + (data.get("rating") is None)
            values = {"data": rated, "rev": rated["rev"]}
            conn.execute(table.update().where(this).values(values))
            return rated

    def card(self, appid: str, session_id: str) -> dict[str, Any] | None:
        """Return the explanation card of the last routing decision, or None."""
        query = select(routing_cards.c.data).where(
            routing_cards.c.appid == appid, routing_cards.c.session_id == session_id
        )
        return self._one(query)

    def messages(
        self, appid: str, session_id: str, after: int = 0, limit: int = 100
    ) -> list[dict[str, Any]]:
        """Return at most ``limit`` messages with ``seq`` > ``after``, in the order of acceptance."""
        table = messages_archive
        query = (
            select(table.c.data)
            .where(table.c.appid == appid, table.c.session_id == session_id, table.c.seq > after)
            .order_by(table.c.seq)
            .limit(page_size(limit))
        )
        with reading(self._engine) as conn:
            return list(conn.execute(query).scalars())

    def search(
        self, appid: str, kf_account: str | None, words: str, limit: int
    ) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return (conversation, message) whose text contains the words literally, newest first.

        It searches the newest ``SEARCHED_SESSIONS`` conversations of the agent (None: of all agents).
        """
        sessions, messages = sessions_archive, messages_archive
        wanted = [sessions.c.appid == appid, *_conditions(Filters(kf_account=kf_account))]
        newest = (
            select(sessions.c.id, sessions.c.data)
            .where(and_(*wanted))
            .order_by(sessions.c.closed_ms.desc(), sessions.c.id.desc())
            .limit(SEARCHED_SESSIONS)
            .subquery()
        )
        query = (
            select(newest.c.data.label("session"), messages.c.data.label("message"))
            .join(messages, and_(messages.c.appid == appid, messages.c.session_id == newest.c.id))
            .where(messages.c.text.icontains(words, autoescape=True))
            .where(messages.c.direction != "system")
            .order_by(messages.c.created_ms.desc(), messages.c.seq.desc())
            .limit(page_size(limit))
        )
        with reading(self._engine) as conn:
            return [(row.session, row.message) for row in conn.execute(query)]

    def earlier(self, appid: str, openid: str, cursor: str | None = None, limit: int = 20) -> Page:
        """Return a customer's closed conversations, newest first."""
        return self.closed(appid, Filters(openid=openid), cursor, limit)

    def closed(
        self,
        appid: str,
        filters: Filters | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Return closed conversations, newest first. Raises ``BadCursor``."""
        table = sessions_archive
        size = page_size(limit)
        conditions = [table.c.appid == appid, *_conditions(filters or Filters())]
        if cursor:
            closed_ms, session_id = decode_cursor(cursor, int, str)
            conditions.append(tuple_(table.c.closed_ms, table.c.id) < tuple_(closed_ms, session_id))
        query = (
            select(table.c.data, table.c.closed_ms, table.c.id)
            .where(and_(*conditions))
            .order_by(table.c.closed_ms.desc(), table.c.id.desc())
            .limit(size + 1)
        )
        with reading(self._engine) as conn:
            rows = conn.execute(query).all()
        more = len(rows) > size
        last = rows[size - 1] if more else None
        following = encode_cursor(last.closed_ms, last.id) if last else None
        return Page([row.data for row in rows[:size]], following)

    def _one(self, query: Select[Any]) -> dict[str, Any] | None:
        with reading(self._engine) as conn:
            found: dict[str, Any] | None = conn.execute(query).scalar_one_or_none()
            return found


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    columns = sessions_archive.c
    wanted: list[ColumnElement[bool]] = [
        columns[name] == value
        for name in ("kf_account", "group", "close_reason", "openid")
        if (value := getattr(filters, name)) is not None
    ]
    if filters.since_ms is not None:
        wanted.append(columns.closed_ms >= filters.since_ms)
    if filters.until_ms is not None:
        wanted.append(columns.closed_ms < filters.until_ms)
    return wanted


def _put_sessions(conn: Connection, appid: str, sessions: Sequence[Mapping[str, Any]]) -> set[str]:
    """Store the conversations. Returns the ids of those without a later stored copy."""
    rows = [_session_row(appid, session) for session in sessions]
    statement = insert_into(conn, sessions_archive)
    keep = statement.on_conflict_do_update(
        index_elements=["appid", "id"],
        set_={name: statement.excluded[name] for name in rows[0] if name not in ("appid", "id")},
        where=sessions_archive.c.rev <= statement.excluded.rev,
    ).returning(sessions_archive.c.id)
    return set(conn.execute(keep, rows).scalars())


def _session_row(appid: str, session: Mapping[str, Any]) -> dict[str, Any]:
    version = int(session.get("version") or 0)
    return {
        "appid": appid,
        "id": session["id"],
        "openid": session["openid"],
        "kf_account": session.get("kf_account") or "",
        "group": session.get("group") or "",
        "created_ms": session["created_ms"],
        "closed_ms": session["closed_ms"],
        "close_reason": session.get("close_reason") or "",
        "version": version,
        "rev": int(session.get("rev") or version),
        "data": dict(session),
    }


def _put_messages(conn: Connection, appid: str, closed: Sequence[Closed]) -> None:
    statement = insert_into(conn, messages_archive)
    upsert = statement.on_conflict_do_update(
        index_elements=["appid", "session_id", "seq"],
        set_={name: statement.excluded[name] for name in ("status", "data")},
        where=_rank(messages_archive.c.status) <= _rank(statement.excluded.status),
    )
    rows = [
        _message_row(appid, one.session["id"], message)
        for one in closed
        for message in one.messages
    ]
    for batch in slices(rows, BATCH_ROWS):
        conn.execute(upsert, batch)


def _rank(status: ColumnElement[str]) -> ColumnElement[int]:
    """Return the rank of a delivery status. A status replaces only those of a lower or equal rank."""
    return case(STATUS_RANK, value=status, else_=0)


def _message_row(appid: str, session_id: str, message: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "appid": appid,
        "session_id": session_id,
        "seq": message["seq"],
        "direction": message["direction"],
        "type": message["type"],
        "status": message.get("status") or "",
        "created_ms": message["created_ms"],
        "text": _storable(message.get("text") or ""),
        "data": dict(message),
    }


def _storable(text: str) -> str:
    """Return the text for searches, without what PostgreSQL refuses. ``data`` has the original."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _put_cards(conn: Connection, appid: str, closed: Sequence[Closed]) -> None:
    rows = [
        {"appid": appid, "session_id": one.session["id"], "data": dict(one.card)}
        for one in closed
        if one.card is not None
    ]
    statement = insert_into(conn, routing_cards)
    upsert = statement.on_conflict_do_update(
        index_elements=["appid", "session_id"], set_={"data": statement.excluded.data}
    )
    if rows:
        conn.execute(upsert, rows)
