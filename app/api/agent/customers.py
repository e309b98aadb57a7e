"""Customers: remark, tags, facts, earlier conversations and colleagues' notes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any, Final

from pydantic import Field, JsonValue, RootModel, StringConstraints

from app.api.agent.message_types import Pasted
from app.api.agent.readers import reader
from app.api.core import Body, Call, PageMeta, PageQuery, Routes
from app.api.shapes import CustomerShape, NoteShape, SessionShape
from app.conversations import lists
from app.conversations.access import check_customer
from app.conversations.views import display_name
from app.directory import customers as directory
from app.refusals import Refusal
from app.storage import customers
from app.storage.audit import acting, record
from app.storage.engine import Transaction
from app.storage.records import Filters
from app.storage.sql import reading, writing
from sessions.budget import budget

FACTS_MAX: Final = 100
KNOWN_BY: Final = ("kf_account", "session_id", "last_served_ms", "remark", "tags", "facts")
"""A customer without any of these is unknown."""

routes = Routes()

FactName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class CustomerPatch(Body):
    """A change of a customer. Absent fields keep their values."""

    remark: str | None = Field(None, max_length=customers.REMARK_MAX_CHARS)
    tags: list[str] | None = Field(None, max_length=customers.TAGS_MAX)


class Facts(RootModel[Annotated[dict[FactName, JsonValue], Field(max_length=FACTS_MAX)]]):
    """Facts by name. null removes a fact; facts that are not named stay."""


class NoteBody(Body):
    """The text of a note."""

    text: Pasted = Field(min_length=1, max_length=customers.NOTE_MAX_CHARS)


@routes.add(
    "GET",
    "/customers/<openid>",
    "customers.read",
    summary="Return a customer",
    answer=CustomerShape,
)
def read_customer(call: Call, openid: str) -> dict[str, Any]:
    check_customer(call.account, reader(call), openid)
    view = _view(call, openid)
    if not any(view[name] for name in KNOWN_BY) and view["subscribed"] is None:
        raise Refusal("not_found", "There is no such customer.")
    return view


@routes.add(
    "PATCH",
    "/customers/<openid>",
    "customers.update",
    summary="Change remark and tags",
    body=CustomerPatch,
    answer=CustomerShape,
)
def patch_customer(call: Call, openid: str) -> dict[str, Any]:
    check_customer(call.account, reader(call), openid)
    if call.body.remark is not None:
        directory.set_remark(call.services, call.served, openid, call.body.remark, call.now_ms)
    if call.body.tags is not None:
        directory.set_tags(call.services, call.served, openid, call.body.tags, call.now_ms)
    return _view(call, openid)


@routes.add(
    "PUT",
    "/customers/<openid>/facts",
    "customers.facts",
    summary="Set facts for the routing rules, from another system",
    body=Facts,
    answer=dict[str, Any],
)
def put_facts(call: Call, openid: str) -> dict[str, Any]:
    directory.put_facts(call.services, call.served, openid, call.body.root, call.now_ms)
    with reading(call.services.engine) as conn:
        return customers.get(conn, call.account.appid, openid).facts


@routes.add(
    "GET",
    "/customers/<openid>/sessions",
    "customers.sessions",
    summary="List a customer's closed conversations, newest first",
    query=PageQuery,
    answer=list[SessionShape],
    meta=PageMeta,
)
def list_customer_sessions(call: Call, openid: str) -> tuple[Any, Any]:
    check_customer(call.account, reader(call), openid)
    page = lists.closed(call.account, Filters(openid=openid), call.query.cursor, call.query.limit)
    return page.items, {"next_cursor": page.next_cursor}


@routes.add(
    "GET",
    "/customers/<openid>/notes",
    "customers.notes",
    summary="List the notes on a customer, newest first",
    query=PageQuery,
    answer=list[NoteShape],
    meta=PageMeta,
)
def list_notes(call: Call, openid: str) -> tuple[Any, Any]:
    check_customer(call.account, reader(call), openid)
    with reading(call.services.engine) as conn:
        page = customers.notes(
            conn, call.account.appid, openid, call.query.cursor, call.query.limit
        )
    return [_note(row) for row in page.items], {"next_cursor": page.next_cursor}


@routes.add(
    "POST",
    "/customers/<openid>/notes",
    "customers.notes",
    summary="Add a note for colleagues",
    body=NoteBody,
    answer=NoteShape,
    status=201,
)
def add_note(call: Call, openid: str) -> dict[str, Any]:
    check_customer(call.account, reader(call), openid)
    appid, who, now_ms = call.account.appid, call.caller.who, call.now_ms
    with writing(call.services.engine) as conn:
        return _note(customers.add_note(conn, appid, openid, who, call.body.text, now_ms))


@routes.add(
    "PATCH",
    "/customers/<openid>/notes/<int:note_id>",
    "customers.notes",
    summary="Change your own note; supervisors may change a colleague's, which is marked and audited",
    body=NoteBody,
    answer=NoteShape,
)
def change_note(call: Call, openid: str, note_id: int) -> dict[str, Any]:
    appid, who, text = call.account.appid, call.caller.who, call.body.text
    with _own_or_audited(call, openid, note_id, "note.update") as conn:
        return _note(customers.change_note(conn, appid, openid, note_id, text, who, call.now_ms))


@routes.add(
    "DELETE",
    "/customers/<openid>/notes/<int:note_id>",
    "customers.notes",
    summary="Remove your own note; supervisors may remove a colleague's, which is audited",
    status=204,
)
def remove_note(call: Call, openid: str, note_id: int) -> None:
    with _own_or_audited(call, openid, note_id, "note.remove") as conn:
        customers.remove_note(conn, call.account.appid, openid, note_id)


@contextmanager
def _own_or_audited(call: Call, openid: str, note_id: int, act: str) -> Iterator[Transaction]:
    """Open the transaction that changes a note: the caller's own, or for a supervisor a colleague's.

    A change of a colleague's note is audited without text and customer, because the audit log cannot be
    changed when the customer is erased. Raises Refusal, Missing.
    """
    check_customer(call.account, reader(call), openid)
    appid, engine = call.account.appid, call.services.engine
    with reading(engine) as conn:
        author = customers.note(conn, appid, openid, note_id)["author"]
    if author == call.caller.who:
        with writing(engine) as conn:
            yield conn
        return
    if not call.may("sessions.read_any"):
        raise Refusal("forbidden", "This note is a colleague's.")
    with acting(engine) as conn:
        yield conn
        record(conn, call.actor, act, f"{appid}:{note_id}", {"author": author})


def _view(call: Call, openid: str) -> dict[str, Any]:
    account = call.account
    known, now_ms = account.store.customer(openid)
    with reading(call.services.engine) as conn:
        card = customers.get(conn, account.appid, openid)
    return {
        "appid": account.appid,
        "openid": openid,
        "display_name": display_name(openid, card.remark),
        "remark": card.remark,
        "subscribed": known.subscribed,
        "tags": list(card.tags),
        "facts": card.facts,
        "kf_account": known.last_kf or None,
        "session_id": known.open_session or None,
        "last_served_ms": known.last_served_ms or None,
        "budget": asdict(budget(known.buckets, now_ms)),
    }


def _note(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in NoteShape.model_fields}
