"""Exports of conversations and messages for spreadsheets: UTF-8 with a byte order mark, local time."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any, Final

from app.account import Account
from app.conversations.views import archived_view, session_view
from app.reports.lines import Names, line_text
from app.reports.words import Words
from app.storage.message_log import messages_between
from app.storage.records import Filters
from app.storage.sql import Engine
from sessions.slices import slices

BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it common spreadsheets do not detect UTF-8."""

FORMULA_STARTS: Final = tuple("=+-@\t\r\n＝＋－＠")
PAGE: Final = 200
CHUNK_ROWS: Final = 200

Row = list[str]
Clock = Callable[[int | None], str]

CONVERSATION: Final = [
    "id",
    "customer",
    "openid",
    "agent",
    "kf_account",
    "group",
    "state",
    "created",
    "first_assigned",
    "first_reply",
    "first_reply_s",
    "closed",
    "close_reason",
    "rating",
    "comment",
]
MESSAGE: Final = [
    "id",
    "seq",
    "time",
    "direction",
    "type",
    "text",
    "status",
    "error",
    "agent",
    "kf_account",
    "group",
    "customer",
    "openid",
]


def conversations(account: Account, filters: Filters, words: Words, zone: tzinfo) -> Iterator[Row]:
    """Yield conversations that began in the period: those in Redis, then archived ones, newest first."""
    yield [words[name] for name in CONVERSATION]
    names, clock = _names(account), _clock(zone)
    for view in _views(account, filters):
        yield _conversation(view, words, names, clock)


def messages(
    account: Account, engine: Engine, filters: Filters, words: Words, zone: tzinfo
) -> Iterator[Row]:
    """Yield messages of the period: archived ones by time, then those of conversations in Redis."""
    yield [words[name] for name in MESSAGE]
    names, clock, archived = _names(account), _clock(zone), set[str]()
    for message, view in messages_between(engine, account.appid, filters):
        archived.add(message["session_id"])
        yield _message(message, view, words, names, clock)
    for view in _present(account, filters):
        if view["id"] not in archived:
            for fresh in _messages_of(account, view["id"]):
                if _within(filters, fresh["created_ms"]):
                    yield _message(fresh, view, words, names, clock)


def csv_bytes(rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield the table as CSV in pieces. A spreadsheet reads every cell as text."""
    buffer = io.StringIO()
    buffer.write(BYTE_ORDER_MARK)
    writer = csv.writer(buffer)
    for number, row in enumerate(rows, 1):
        writer.writerow(map(safe_cell, row))
        if number % CHUNK_ROWS == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def safe_cell(text: str) -> str:
    """Return a cell without NUL. A cell that a spreadsheet would run as a formula gets an apostrophe."""
    clean = text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return f"'{clean}" if clean.startswith(FORMULA_STARTS) else clean


def _views(account: Account, filters: Filters) -> Iterator[dict[str, Any]]:
    shown = set[str]()
    for view in _present(account, filters):
        if _within(filters, view["created_ms"]):
            shown.add(view["id"])
            yield view
    # A conversation closes after it began, so nothing that closed before ``since_ms`` began after it.
    stored = Filters(kf_account=filters.kf_account, group=filters.group, since_ms=filters.since_ms)
    cursor: str | None = None
    while True:
        page = account.records.closed(account.appid, stored, cursor, PAGE)
        for data in page.items:
            if data["id"] not in shown and _within(filters, data["created_ms"]):
                yield archived_view(data)
        cursor = page.next_cursor
        if cursor is None:
            return


def _present(account: Account, filters: Filters) -> Iterator[dict[str, Any]]:
    """Yield the conversations in Redis."""
    ids = [*account.queries.live(0, 1 << 30), *account.queries.closed(1 << 30)]
    for page in slices(ids, PAGE):
        for row in account.queries.rows(page):
            view = session_view(row, account.appid)
            if filters.kf_account in (None, view["kf_account"]) and filters.group in (
                None,
                view["group"],
            ):
                yield view


def _messages_of(account: Account, session_id: str) -> Iterator[Mapping[str, Any]]:
    after = 0
    while page := account.queries.messages(session_id, after, PAGE):
        yield from page
        after = page[-1]["seq"]


def _within(filters: Filters, at_ms: int) -> bool:
    late = filters.until_ms is not None and at_ms >= filters.until_ms
    return not late and at_ms >= (filters.since_ms or 0)


def _names(account: Account) -> Names:
    """Return titles of groups and nicknames of kf accounts; a removed one keeps its own name."""
    groups = {group.name: group.title for group in account.plan().groups.values()}
    agents = {seat.kf_account: seat.nickname for seat in account.seats.all()}
    return Names(groups, agents)


def _conversation(view: Mapping[str, Any], words: Words, names: Names, clock: Clock) -> Row:
    reply, rating = view["first_reply_ms"], view["rating"] or {}
    reason = view["close_reason"]
    return [
        view["id"],
        view["customer"]["display_name"],
        view["openid"],
        names.agent(view["kf_account"] or ""),
        view["kf_account"] or "",
        names.group(view["group"]),
        words.get(view["state"], ""),
        clock(view["created_ms"]),
        clock(view["first_assigned_ms"]),
        clock(reply),
        str(round((reply - view["created_ms"]) / 1000)) if reply else "",
        clock(view["closed_ms"]),
        words.get(f"reason.{reason}", "") if reason else "",
        str(rating.get("score", "")),
        rating.get("comment", ""),
    ]


def _message(
    message: Mapping[str, Any], view: Mapping[str, Any], words: Words, names: Names, clock: Clock
) -> Row:
    text = message.get("text") or ""
    if code := message.get("code"):
        text = line_text(code, message.get("values") or {}, words, names)
    return [
        message["session_id"],
        str(message["seq"]),
        clock(message["created_ms"]),
        words.get(message["direction"], ""),
        words.get(f"type.{message['type']}", words["type.other"]),
        text,
        words.get(message.get("status") or "", ""),
        (message.get("error") or {}).get("reason", ""),
        names.agent(message.get("kf_account") or ""),
        message.get("kf_account") or "",
        names.group(view["group"]),
        view["customer"]["display_name"],
        view["openid"],
    ]


def _clock(zone: tzinfo) -> Clock:
    def shown(at_ms: int | None) -> str:
        if not at_ms:
            return ""
        return datetime.fromtimestamp(at_ms / 1000, zone).strftime("%Y-%m-%d %H:%M:%S")

    return shown


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode("utf-8")
