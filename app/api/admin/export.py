"""Supervisors: conversations and messages as CSV. Every export is audited."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, Self

from flask import Response
from pydantic import Field, model_validator

from app.api.core import NUMBER_MAX, Call, Query, Routes
from app.directory.kf_names import completed
from app.reports import exports
from app.reports.words import TABLES
from app.storage.audit import acting, record
from app.storage.records import Filters

PATH = "/admin/export"
ACTION = "admin.export"
CSV = "text/csv"

routes = Routes()


class ExportQuery(Query):
    """Filters of an export. ``since_ms`` is inclusive, ``until_ms`` exclusive. ``kf_account`` (full name or
    bare prefix) and ``group`` are the conversation's. ``lang`` is the language of headings and states."""

    since_ms: int | None = Field(None, ge=0, le=NUMBER_MAX)
    until_ms: int | None = Field(None, ge=0, le=NUMBER_MAX)
    kf_account: str | None = Field(None, min_length=1, max_length=64)
    group: str | None = Field(None, min_length=1, max_length=64)
    lang: Literal["zh", "en"] = "zh"

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if (self.since_ms or 0) >= (NUMBER_MAX + 1 if self.until_ms is None else self.until_ms):
            raise ValueError("since_ms must be before until_ms")
        return self


@routes.add(
    "GET",
    PATH + "/conversations",
    ACTION,
    summary="Export the conversations that began in a period as CSV",
    query=ExportQuery,
    raw=True,
    content_types=(CSV,),
)
def export_conversations(call: Call) -> Response:
    words, zone = TABLES[call.query.lang], call.services.settings.zone
    rows = exports.conversations(call.account, _filters(call), words, zone)
    return _answer(call, "conversations", rows)


@routes.add(
    "GET",
    PATH + "/messages",
    ACTION,
    summary="Export the messages of a period as CSV",
    query=ExportQuery,
    raw=True,
    content_types=(CSV,),
)
def export_messages(call: Call) -> Response:
    words, zone = TABLES[call.query.lang], call.services.settings.zone
    rows = exports.messages(call.account, call.services.engine, _filters(call), words, zone)
    return _answer(call, "messages", rows)


def _filters(call: Call) -> Filters:
    query = call.query
    name = completed(call.account.config, query.kf_account) if query.kf_account else None
    return Filters(
        kf_account=name, group=query.group, since_ms=query.since_ms, until_ms=query.until_ms
    )


def _answer(call: Call, what: str, rows: Iterable[list[str]]) -> Response:
    """Return the CSV, after writing the audit log: no export leaves without an entry."""
    asked = call.query.model_dump(exclude_none=True, exclude={"lang"})
    with acting(call.services.engine) as conn:
        record(conn, call.actor, f"export.{what}", call.account.appid, asked)
    if call.request.method == "HEAD":
        rows = ()
    today = datetime.now(call.services.settings.zone).strftime("%Y%m%d")
    response = Response(exports.csv_bytes(rows), mimetype=CSV)
    response.headers["Content-Disposition"] = f'attachment; filename="{what}-{today}.csv"'
    return response
