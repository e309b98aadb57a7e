"""Admin: the audit log."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from app.api.core import NUMBER_MAX, Call, PageMeta, PageQuery, Routes, Shape
from app.storage import audit
from app.storage.audit import AuditFilters

routes = Routes()


class AuditQuery(PageQuery):
    """Filters of the audit log. ``since_ms`` is inclusive, ``until_ms`` exclusive."""

    who: str | None = Field(None, max_length=128)
    act: str | None = Field(None, max_length=64)
    object: str | None = Field(None, max_length=256)
    since_ms: int | None = Field(None, ge=0, le=NUMBER_MAX)
    until_ms: int | None = Field(None, ge=0, le=NUMBER_MAX)


class AuditEntry(Shape):
    """One act. ``hash`` covers the entry and ``prev_hash``, so that a later change is detected."""

    id: int
    at_ms: int
    who: str
    role: str
    act: str
    object: str
    detail: dict[str, Any]
    ip: str
    request_id: str
    prev_hash: str
    hash: str


@routes.add(
    "GET",
    "/admin/audit",
    "admin.audit",
    summary="List the audit log, newest first",
    query=AuditQuery,
    answer=list[AuditEntry],
    meta=PageMeta,
)
def list_audit(call: Call) -> tuple[Any, Any]:
    query = call.query
    filters = AuditFilters(query.who, query.act, query.object, query.since_ms, query.until_ms)
    page = audit.page(call.services.engine, filters, query.cursor, query.limit)
    return page.items, {"next_cursor": page.next_cursor}
