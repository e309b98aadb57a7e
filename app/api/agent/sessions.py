"""Conversations: lists, messages, routing card, and the acts that move or close one."""

from __future__ import annotations

import json
from typing import Any, Self

from pydantic import Field, model_validator

from app.api.admin.supervise import audited
from app.api.agent.readers import acting_on, readable, reader
from app.api.core import NUMBER_MAX, Body, Call, PageMeta, PageQuery, Query, Routes, Shape
from app.api.shapes import MessageShape, SessionShape, StateName
from app.conversations import closing, lists, transfers
from app.directory.kf_names import completed
from app.refusals import Refusal
from app.storage import groups
from app.storage.sql import reading
from sessions.model import Session, State

routes = Routes()


class ListQuery(PageQuery):
    """``mine``: only the caller's conversations. Without ``state``: only open ones."""

    state: StateName | None = None
    mine: bool = False
    group: str | None = Field(None, max_length=64)


class MessagesQuery(Query):
    """Messages with ``seq`` above ``after``, in order."""

    after: int = Field(0, ge=0, le=NUMBER_MAX)
    limit: int = Field(100, ge=1, le=200)


class MessagesMeta(Shape):
    """``next_after`` is the ``after`` of the next page, null on the last one."""

    next_after: int | None


class TransferBody(Body):
    """The target: an agent (full name or bare prefix) or a group."""

    to_kf_account: str | None = Field(None, min_length=1, max_length=64)
    to_group: str | None = Field(None, min_length=1, max_length=64)
    note: str = Field("", max_length=500)

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.to_kf_account is None) == (self.to_group is None):
            raise ValueError("give to_kf_account or to_group")
        return self


class CloseBody(Body):
    """With ``last_message_id`` the request is refused if the customer wrote after that message. With
    ``survey`` the customer is asked to rate the service, if WeChat still accepts a reply."""

    reason: str = Field("", max_length=200)
    survey: bool = False
    last_message_id: str | None = Field(None, max_length=128)


@routes.add(
    "GET",
    "/sessions",
    "sessions.read",
    summary="List your own and the waiting conversations; supervisors see all",
    query=ListQuery,
    answer=list[SessionShape],
    meta=PageMeta,
)
def list_sessions(call: Call) -> tuple[Any, Any]:
    query = call.query
    state = State(query.state) if query.state else None
    wanted = lists.Wanted(state, query.group, query.mine)
    page = lists.listed(call.account, reader(call), wanted, query.cursor, query.limit)
    return page.items, {"next_cursor": page.next_cursor}


@routes.add(
    "GET", "/sessions/<sid>", "sessions.read", summary="Return a conversation", answer=SessionShape
)
def read_session(call: Call, sid: str) -> dict[str, Any]:
    return readable(call, sid).view


@routes.add(
    "GET",
    "/sessions/<sid>/messages",
    "sessions.read",
    summary="List its messages in the order of acceptance",
    query=MessagesQuery,
    answer=list[MessageShape],
    meta=MessagesMeta,
)
def list_messages(call: Call, sid: str) -> tuple[Any, Any]:
    found, account = readable(call, sid), call.account
    after, limit = call.query.after, call.query.limit
    messages = [] if found.archived else account.queries.messages(sid, after, limit)
    if not messages and (found.archived or found.view["state"] == State.CLOSED):
        messages = account.records.messages(account.appid, sid, after, limit)
    full = len(messages) == limit
    return messages, {"next_after": messages[-1]["seq"] if full else None}


@routes.add(
    "GET",
    "/sessions/<sid>/routing",
    "sessions.routing",
    summary="Explain the last routing decision",
    answer=dict[str, Any],
)
def read_routing(call: Call, sid: str) -> dict[str, Any]:
    readable(call, sid)
    text = call.account.queries.card(sid)
    card = json.loads(text) if text else call.account.records.card(call.account.appid, sid)
    if card is None:
        raise Refusal("not_found", "No decision is recorded for this conversation.")
    found: dict[str, Any] = card
    return found


@routes.add(
    "POST",
    "/sessions/<sid>/take",
    "sessions.take",
    summary="Take a waiting customer",
    answer=SessionShape,
    refuses=(409,),
)
def take(call: Call, sid: str) -> dict[str, Any]:
    me = call.kf_account
    readable(call, sid)
    return acting_on(call, sid, lambda: transfers.take(call.account, sid, me))


@routes.add(
    "POST",
    "/sessions/<sid>/transfer",
    "sessions.transfer",
    summary="Transfer to an agent or a group",
    body=TransferBody,
    answer=SessionShape,
    refuses=(409,),
)
def transfer(call: Call, sid: str) -> dict[str, Any]:
    account, body, me = call.account, call.body, call.kf_account
    to_kf = completed(account.config, body.to_kf_account or "") if body.to_kf_account else ""
    if body.to_group:
        with reading(call.services.engine) as conn:
            groups.require(conn, account.appid, body.to_group)
    group = body.to_group or ""
    return acting_on(
        call, sid, lambda: transfers.transfer(account, sid, me, to_kf, group, body.note)
    )


@routes.add(
    "POST",
    "/sessions/<sid>/accept",
    "sessions.accept",
    summary="Accept a transfer",
    answer=SessionShape,
    refuses=(409,),
)
def accept(call: Call, sid: str) -> dict[str, Any]:
    me = call.kf_account
    return acting_on(call, sid, lambda: transfers.accept(call.account, sid, me))


@routes.add(
    "POST",
    "/sessions/<sid>/decline",
    "sessions.decline",
    summary="Decline a transfer",
    answer=SessionShape,
    refuses=(409,),
)
def decline(call: Call, sid: str) -> dict[str, Any]:
    me = call.kf_account
    return acting_on(call, sid, lambda: transfers.decline(call.account, sid, me))


@routes.add(
    "POST",
    "/sessions/<sid>/close",
    "sessions.close",
    summary="Close a conversation",
    body=CloseBody,
    answer=SessionShape,
    refuses=(409,),
)
def close(call: Call, sid: str) -> dict[str, Any]:
    return acting_on(call, sid, lambda: _close(call, sid))


def _close(call: Call, sid: str) -> Session:
    account, body = call.account, call.body
    owner = account.store.load(sid).session.kf_account
    if call.may("sessions.close_any") and (not owner or owner != call.kf_account_or_none):
        if not body.reason.strip():
            raise Refusal("invalid", "A supervisor must give a reason, which is audited.")
        closed = closing.close_by_supervisor(account, sid, call.caller.who)
        audited(call, "session.close", sid, {"reason": body.reason, "owner": owner})
        return closed
    seen = _seq(sid, body.last_message_id) if body.last_message_id else None
    return closing.close_by_agent(account, sid, call.kf_account, seen, body.reason, body.survey)


@routes.add(
    "POST",
    "/sessions/<sid>/read",
    "sessions.mark_read",
    summary="Mark all messages as read by the agent",
    answer=SessionShape,
    refuses=(409,),
)
def mark_read(call: Call, sid: str) -> dict[str, Any]:
    me = call.kf_account
    return acting_on(call, sid, lambda: call.account.store.mark_read(sid, me))


def _seq(sid: str, message_id: str) -> int:
    session_id, _, seq = message_id.rpartition(".")
    if session_id != sid or not seq.isdecimal() or len(seq) > 15:
        raise Refusal("invalid", "last_message_id is no message of this conversation.")
    return int(seq)
