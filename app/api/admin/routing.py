"""Admin: the versions of the routing document: ordered rules, entry, and keyword answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from app.api.core import IDENT_MAX, Body, Call, Routes, Shape
from app.refusals import Refusal
from app.storage import groups, routing
from app.storage.audit import acting
from app.storage.engine import Transaction
from app.storage.routing import Stale, Version
from app.storage.sql import reading
from routing.document import (
    ANSWER_CHARS,
    ANSWERS_MAX,
    WORD_CHARS,
    WORDS_MAX,
    Routing,
    routing_from,
)
from routing.rules import GREETING_MAX, PRIORITY_MAX, RULES_MAX, BadRule

PATH = "/admin/routing"
ACTION = "admin.routing"

Word = Annotated[str, Field(min_length=1, max_length=WORD_CHARS)]

routes = Routes()


class RuleShape(Shape):
    """A rule, which matches if all conditions of ``when`` hold. The first rule that matches applies."""

    group: str
    priority: int
    when: dict[str, Any]
    greeting: str = ""


class EntryShape(Shape):
    """``mode`` is always or on_request, where only ``words`` and ``menu_keys`` open a conversation."""

    mode: str
    words: list[str]
    menu_keys: list[str]


class AnswerShape(Shape):
    """The ``text`` that answers ``words`` while no conversation is open and ``mode`` is on_request."""

    words: list[str]
    text: str


class RoutingShape(Shape):
    """``default_group`` gets customers whom no rule matches. Opening hours are in ``timezone``."""

    default_group: str
    timezone: str
    rules: list[RuleShape]
    entry: EntryShape
    answers: list[AnswerShape]
    version: int


class VersionMeta(Shape):
    """Time and author of the version. Version 0 is the shipped one."""

    updated_ms: int
    by: str


class VersionRow(VersionMeta):
    """A version that can be restored."""

    version: int


class RuleBody(Body):
    """A rule. Its conditions are checked with the rest of the document."""

    group: str = Field(min_length=1, max_length=64)
    priority: int = Field(0, ge=0, le=PRIORITY_MAX)
    when: dict[str, Any] = Field(default_factory=dict, max_length=20)
    greeting: str = Field("", max_length=GREETING_MAX)


class EntryBody(Body):
    """The entry. Absent words are the shipped ones."""

    mode: Literal["always", "on_request"] = "always"
    words: list[Word] | None = Field(None, max_length=WORDS_MAX)
    menu_keys: list[Word] = Field(default_factory=list, max_length=WORDS_MAX)


class AnswerBody(Body):
    """A keyword answer. No word may be in two answers."""

    words: list[Word] = Field(min_length=1, max_length=WORDS_MAX)
    text: str = Field(min_length=1, max_length=ANSWER_CHARS)


class RoutingBody(Body):
    """The whole document. ``version`` is the live version that it was edited from; another one is refused."""

    default_group: str = Field(min_length=1, max_length=64)
    timezone: str | None = Field(None, min_length=1, max_length=64)
    rules: list[RuleBody] = Field(default_factory=list, max_length=RULES_MAX)
    entry: EntryBody = Field(default_factory=EntryBody)
    answers: list[AnswerBody] = Field(default_factory=list, max_length=ANSWERS_MAX)
    version: int | None = Field(None, ge=0, le=IDENT_MAX)


class RestoreBody(Body):
    """The version to restore; 0 is the shipped one."""

    version: int = Field(ge=0, le=IDENT_MAX)


@routes.add(
    "GET", PATH, ACTION, summary="Return the routing rules", answer=RoutingShape, meta=VersionMeta
)
def read_routing(call: Call) -> tuple[dict[str, Any], dict[str, Any]]:
    with reading(call.services.engine) as conn:
        return _shown(call, routing.live(conn, call.account.appid))


@routes.add(
    "PUT",
    PATH,
    ACTION,
    summary="Store a new version of the routing rules",
    body=RoutingBody,
    answer=RoutingShape,
    meta=VersionMeta,
    refuses=(409,),
)
def put_routing(call: Call) -> tuple[dict[str, Any], dict[str, Any]]:
    document = call.body.model_dump(exclude_none=True, exclude={"version"})
    with acting(call.services.engine) as conn:
        made = _put(call, conn, document, call.body.version, "routing.update")
    _reload(call)
    return _shown(call, made)


@routes.add(
    "GET",
    PATH + "/versions",
    ACTION,
    summary="List the versions of the routing rules that can be restored",
    answer=list[VersionRow],
)
def list_versions(call: Call) -> list[dict[str, Any]]:
    with reading(call.services.engine) as conn:
        return [
            {"version": v.version, **_meta(v)} for v in routing.versions(conn, call.account.appid)
        ]


@routes.add(
    "GET",
    PATH + "/versions/<int:version>",
    ACTION,
    summary="Return a version of the routing rules",
    answer=RoutingShape,
    meta=VersionMeta,
)
def read_version(call: Call, version: int) -> tuple[dict[str, Any], dict[str, Any]]:
    with reading(call.services.engine) as conn:
        return _shown(call, routing.get(conn, call.account.appid, version))


@routes.add(
    "POST",
    PATH + "/restore",
    ACTION,
    summary="Restore an earlier version of the routing rules",
    body=RestoreBody,
    answer=RoutingShape,
    meta=VersionMeta,
)
def restore_routing(call: Call) -> tuple[dict[str, Any], dict[str, Any]]:
    with acting(call.services.engine) as conn:
        old = routing.get(conn, call.account.appid, call.body.version)
        made = _put(call, conn, old.document, None, "routing.restore")
    _reload(call)
    return _shown(call, made)


def _put(call: Call, conn: Transaction, document: Any, version: int | None, act: str) -> Version:
    """Store a version. Raises Refusal: invalid with every problem, conflict."""
    appid = call.account.appid
    known = frozenset(group.name for group in groups.everyone(conn, appid))
    try:
        return routing.put(conn, call.actor, appid, checked(call, document, known), version, act)
    except Stale as stale:
        detail = "Another person changed the rules; load them again."
        raise Refusal("conflict", detail, version=stale.version) from None


def checked(call: Call, document: Any, known: frozenset[str]) -> Routing:
    """Return the document as routing uses it. Raises Refusal: invalid with every problem."""
    try:
        return routing_from(document, call.services.settings.timezone, known)
    except BadRule as bad:
        errors = [_field_error(line) for line in str(bad).splitlines()]
        raise Refusal("invalid", str(bad).splitlines()[0], errors=errors) from None


def _field_error(line: str) -> dict[str, str]:
    where, _, message = line.partition(": ")
    return {"field": where, "message": message or line}


def _reload(call: Call) -> None:
    """Apply a change on this node at once; other nodes read it within seconds."""
    call.served.plans.reload()


def _shown(call: Call, version: Version) -> tuple[dict[str, Any], dict[str, Any]]:
    document = version.routing(call.services.settings.timezone).as_document()
    return document | {"version": version.version}, _meta(version)


def _meta(version: Version) -> dict[str, Any]:
    return {"updated_ms": version.updated_ms, "by": version.by}
