"""Lists of conversations: the open ones out of Redis, the closed ones out of SQL and Redis together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from app.account import Account
from app.conversations.access import Reader
from app.conversations.views import archived_view, session_view
from app.storage.records import Filters
from app.storage.sql import Page, decode_cursor, encode_cursor
from sessions.model import State

SCAN: Final = 200
"""Open conversations read in one batch while searching for those that fit."""

SCANS_MAX: Final = 50
UNARCHIVED_MAX: Final = 2_000
"""Closed conversations that may wait for the archive, which runs every few seconds."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filters of a list; None filters nothing. ``mine`` keeps the reader's own only."""

    state: State | None = None
    group: str | None = None
    mine: bool = False

    def fits(self, view: dict[str, Any], reader: Reader) -> bool:
        return (
            (self.state is None or view["state"] == self.state)
            and (self.group is None or view["group"] == self.group)
            and (not self.mine or _holds(reader.kf_account, view))
        )


def listed(
    account: Account, reader: Reader, wanted: Wanted, cursor: str | None, limit: int
) -> Page:
    """Return one page of what the reader may see. Raises BadCursor."""
    if (wanted.mine or not reader.everything) and not reader.kf_account:
        return Page([], None)
    if wanted.state is State.CLOSED:
        return closed(account, _closed_filters(reader, wanted), cursor, limit)
    start = decode_cursor(cursor, int)[0] if cursor else 0
    if reader.everything and not wanted.mine and wanted.state is not State.WAITING:
        return _scan(account, reader, wanted, start, limit)
    ids = _ids(account, reader, wanted, start + limit + 1)
    views = (v for v in _views(account, ids) if wanted.fits(v, reader))
    found = list(views)[start : start + limit + 1]
    more = len(found) > limit
    return Page(found[:limit], encode_cursor(start + limit) if more else None)


def closed(account: Account, filters: Filters, cursor: str | None, limit: int) -> Page:
    """Return closed conversations, newest first, whether they are in SQL yet or not."""
    before = decode_cursor(cursor, int, str) if cursor else None
    fresh = {
        view["id"]: view
        for view in _views(account, account.queries.closed(UNARCHIVED_MAX))
        if _matches(filters, view) and (before is None or _place(view) < before)
    }
    page = account.records.closed(account.appid, filters, cursor, limit)
    stored = {data["id"]: archived_view(data) for data in page.items}
    merged = sorted((stored | fresh).values(), key=_place, reverse=True)
    more = len(merged) > limit or page.next_cursor is not None
    shown = merged[:limit]
    return Page(shown, encode_cursor(*_place(shown[-1])) if more and shown else None)


def _ids(account: Account, reader: Reader, wanted: Wanted, count: int) -> list[str]:
    """Return the reader's own conversations first, then their groups' queues in order."""
    own: Iterable[str] = ()
    if reader.kf_account and wanted.state is not State.WAITING:
        own = account.queries.mine(reader.kf_account)
    if wanted.mine or wanted.state not in (None, State.WAITING):
        return list(own)
    lengths = account.queries.queue_lengths()
    groups = sorted(g for g in lengths if reader.everything or g in reader.groups)
    if wanted.group is not None:
        groups = [group for group in groups if group == wanted.group]
    return [*own, *account.queries.waiting(groups, count)]


def _scan(account: Account, reader: Reader, wanted: Wanted, start: int, limit: int) -> Page:
    """Read all open conversations, the newest first, until a page is full."""
    found: list[dict[str, Any]] = []
    at = start
    for _ in range(SCANS_MAX):
        ids = account.queries.live(at, SCAN)
        views = {view["id"]: view for view in _views(account, ids)}
        for session_id in ids:
            at += 1
            view = views.get(session_id)
            if view is not None and wanted.fits(view, reader):
                found.append(view)
            if len(found) == limit:
                more = account.queries.live(at, 1)
                return Page(found, encode_cursor(at) if more else None)
        if len(ids) < SCAN:
            return Page(found, None)
    return Page(found, encode_cursor(at))


def _views(account: Account, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
    return (session_view(row, account.appid) for row in account.queries.rows(ids))


def _closed_filters(reader: Reader, wanted: Wanted) -> Filters:
    own = wanted.mine or not reader.everything
    return Filters(kf_account=reader.kf_account if own else None, group=wanted.group)


def _matches(filters: Filters, view: dict[str, Any]) -> bool:
    wanted = {
        "kf_account": filters.kf_account,
        "group": filters.group,
        "openid": filters.openid,
        "close_reason": filters.close_reason,
    }
    return view["state"] == State.CLOSED and all(
        value is None or view[name] == value for name, value in wanted.items()
    )


def _place(view: dict[str, Any]) -> tuple[int, str]:
    return (view["closed_ms"] or 0, view["id"])


def _holds(kf_account: str, view: dict[str, Any]) -> bool:
    asked = view["transfer"]["to"] if view["transfer"] else ""
    return bool(kf_account) and kf_account in (view["kf_account"], asked)
