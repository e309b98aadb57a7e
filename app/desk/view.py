"""Build the desks' events from entries of the desk stream: the same JSON as the API would answer now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from app.conversations.views import bare_row, session_view
from app.desk.listeners import FOR_EVERYONE, DeskEvent
from sessions.messages import compact
from sessions.model import Customer, State
from sessions.store.desk_stream import Told
from sessions.store.queries import Queries, Row


def events_of(told: Sequence[Told], queries: Queries, appid: str) -> list[DeskEvent]:
    """Return one event for each entry, with its conversation as it is now, in two round trips for all."""
    if not told:
        return []
    wanted = {entry.session_id for entry in told if entry.session_id}
    rows = {row.session.id: row for row in queries.rows(sorted(wanted))} if wanted else {}
    return [_event(entry, rows.get(entry.session_id), appid) for entry in told]


def _event(told: Told, row: Row | None, appid: str) -> DeskEvent:
    row = row or _gone(told)
    waiting = row is not None and row.session.state is State.WAITING
    return DeskEvent(
        id=told.id,
        type=told.type,
        data=compact(_data(told, row, appid)),
        audience=told.audience,
        group=told.group if waiting or told.type == "queue.changed" else "",
        everyone=told.type == FOR_EVERYONE,
    )


def _gone(told: Told) -> Row | None:
    """Return the conversation as the entry carries it, as it has been moved to SQL."""
    session = told.session
    return bare_row(session, Customer(session.openid), session.closed_ms) if session else None


def _data(told: Told, row: Row | None, appid: str) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if row is not None and told.type != "viewer.changed":
        data["session"] = session_view(row, appid)
    elif "view" in told.raw:
        data["session"] = json.loads(told.raw["view"])
    message = told.message
    if message is not None:
        data["message"] = message
    if not data or told.type == "notice":
        data = _plain(told) | data
    return data


def _plain(told: Told) -> dict[str, Any]:
    values: dict[str, Any] = told.values
    if told.type == "queue.changed":
        return {
            "group": told.group,
            "waiting": int(values["waiting"]),
            "joined": values["joined"] or None,
            "left": values["left"] or None,
        }
    kf_account = next(iter(told.audience), "")
    for flag in ("typing", "viewing"):
        if flag in values:
            values[flag] = values[flag] == "1"
    for number in ("since_ms", "off_shift_ms"):
        if number in values:
            values[number] = int(values[number])
    return {"kf_account": kf_account, "session_id": told.session_id or None, **values}
