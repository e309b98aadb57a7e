"""Canned replies: those that an official account shares, and each person's own."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from app.api.agent.message_types import Pasted
from app.api.core import Body, Call, PageMeta, Routes, WholeQuery, page_of
from app.api.shapes import CannedShape
from app.refusals import Refusal
from app.storage import canned
from app.storage.canned import CannedReply
from app.storage.sql import reading, writing

routes = Routes()


class CannedBody(Body):
    """A new canned reply. Only supervisors and admins may set ``shared``."""

    title: str = Field(min_length=1, max_length=64)
    text: Pasted = Field(min_length=1, max_length=canned.TEXT_MAX_CHARS)
    shared: bool = False


class CannedPatch(Body):
    """A change of a canned reply. Absent fields keep their values."""

    title: str | None = Field(None, min_length=1, max_length=64)
    text: Pasted | None = Field(None, min_length=1, max_length=canned.TEXT_MAX_CHARS)


@routes.add(
    "GET",
    "/canned-replies",
    "canned.read",
    summary="List the shared canned replies and your own",
    query=WholeQuery,
    answer=list[CannedShape],
    meta=PageMeta,
)
def list_canned(call: Call) -> tuple[Any, Any]:
    with reading(call.services.engine) as conn:
        found = canned.visible(conn, call.account.appid, call.caller.person_id)
    return page_of([_view(reply) for reply in found], call.query)


@routes.add(
    "POST",
    "/canned-replies",
    "canned.own",
    summary="Add a canned reply",
    body=CannedBody,
    answer=CannedShape,
    status=201,
)
def add_canned(call: Call) -> dict[str, Any]:
    body, appid = call.body, call.account.appid
    if body.shared:
        call.require("canned.shared")
    owner = None if body.shared else call.caller.person_id
    with writing(call.services.engine) as conn:
        return _view(canned.create(conn, appid, owner, body.title, body.text, call.now_ms))


@routes.add(
    "GET",
    "/canned-replies/<int:reply_id>",
    "canned.read",
    summary="Return a canned reply",
    answer=CannedShape,
)
def read_canned(call: Call, reply_id: int) -> dict[str, Any]:
    return _view(_own(call, reply_id, "canned.read"))


@routes.add(
    "PATCH",
    "/canned-replies/<int:reply_id>",
    "canned.own",
    summary="Change a canned reply",
    body=CannedPatch,
    answer=CannedShape,
)
def patch_canned(call: Call, reply_id: int) -> dict[str, Any]:
    before, appid = _own(call, reply_id, "canned.shared"), call.account.appid
    title = before.title if call.body.title is None else call.body.title
    text = before.text if call.body.text is None else call.body.text
    with writing(call.services.engine) as conn:
        return _view(canned.update(conn, appid, reply_id, title, text, call.now_ms))


@routes.add(
    "DELETE",
    "/canned-replies/<int:reply_id>",
    "canned.own",
    summary="Remove a canned reply",
    status=204,
)
def remove_canned(call: Call, reply_id: int) -> None:
    _own(call, reply_id, "canned.shared")
    with writing(call.services.engine) as conn:
        canned.remove(conn, call.account.appid, reply_id)


def _own(call: Call, reply_id: int, for_shared: str) -> CannedReply:
    """Return a reply of the caller, or a shared one if their role allows ``for_shared``. Raises Refusal."""
    with reading(call.services.engine) as conn:
        found = canned.get(conn, call.account.appid, reply_id)
    if found.owner is None:
        call.require(for_shared)
    elif found.owner != call.caller.person_id:
        raise Refusal("not_found", "There is no such canned reply.")
    return found


def _view(reply: CannedReply) -> dict[str, Any]:
    return {
        "id": reply.id,
        "title": reply.title,
        "text": reply.text,
        "shared": reply.owner is None,
        "updated_ms": reply.updated_ms,
    }
