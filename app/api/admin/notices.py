"""Admin: automatic notices to customers, whose default texts can be overridden."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from app.api.core import Body, Call, PageMeta, Query, Routes, Shape, WholeQuery, page_of
from app.refusals import Refusal
from app.storage import notices
from app.storage.audit import acting
from app.storage.notices import TEXT_MAX_CHARS, Notice, read_defaults
from app.storage.sql import reading

PATH = "/admin/notices"
ACTION = "admin.notices"

routes = Routes()


class NoticeShape(Shape):
    """A notice. ``texts`` by language; ``edited`` are the languages whose text is not the default."""

    key: str
    placeholders: list[str]
    texts: dict[str, str]
    defaults: dict[str, str]
    edited: list[str]


class NoticeBody(Body):
    """A text. An empty one switches the notice off."""

    lang: Literal["zh", "en"] = "zh"
    text: str = Field(max_length=TEXT_MAX_CHARS)


class LangQuery(Query):
    """The language whose text returns to its default."""

    lang: Literal["zh", "en"] = "zh"


@routes.add(
    "GET",
    PATH,
    ACTION,
    summary="List the notices",
    query=WholeQuery,
    answer=list[NoticeShape],
    meta=PageMeta,
)
def list_notices(call: Call) -> tuple[Any, Any]:
    defaults = read_defaults()
    with reading(call.services.engine) as conn:
        found = notices.everything(conn, call.account.appid, defaults)
    return page_of([_shown(notice, defaults[key]) for key, notice in found.items()], call.query)


@routes.add(
    "PUT", PATH + "/<key>", ACTION, summary="Change a text", body=NoticeBody, answer=NoticeShape
)
def put_notice(call: Call, key: str) -> dict[str, Any]:
    default = _default(key)
    with acting(call.services.engine) as conn:
        notices.put(conn, call.actor, call.account.appid, default, call.body.lang, call.body.text)
    return _reloaded(call, key, default)


@routes.add(
    "DELETE",
    PATH + "/<key>",
    ACTION,
    summary="Reset a text to its default",
    query=LangQuery,
    answer=NoticeShape,
)
def reset_notice(call: Call, key: str) -> dict[str, Any]:
    default = _default(key)
    with acting(call.services.engine) as conn:
        notices.reset(conn, call.actor, call.account.appid, key, call.query.lang)
    return _reloaded(call, key, default)


def _default(key: str) -> Notice:
    defaults = read_defaults()
    if key not in defaults:
        raise Refusal("not_found", "There is no such notice.")
    return defaults[key]


def _reloaded(call: Call, key: str, default: Notice) -> dict[str, Any]:
    """Apply a change on this node at once; other nodes read it within seconds. Returns the notice."""
    call.served.notices.reload()
    with reading(call.services.engine) as conn:
        found = notices.everything(conn, call.account.appid, {key: default})
    return _shown(found[key], default)


def _shown(notice: Notice, default: Notice) -> dict[str, Any]:
    return {
        "key": notice.key,
        "placeholders": sorted(notice.placeholders),
        "texts": dict(notice.texts),
        "defaults": dict(default.texts),
        "edited": sorted(notice.edited),
    }
