"""WeChat's own kf tool: its queue and sessions (wechat-platform 3.1 and 7)."""

from __future__ import annotations

from typing import Any

from simulator import wire
from simulator.push import PushEngine
from simulator.state import Account, NativeSession, World

STALE_MS = 30 * 60_000
RECORDS_MAX = 50_000


def serving(world: World, account: Account, openid: str) -> NativeSession | None:
    """The open session of a customer; one older than 30 minutes no longer takes messages."""
    session = account.books.sessions.get(openid)
    if session is None or world.clock.now_ms() - session.created_ms > STALE_MS:
        return None
    return session


def start(world: World, engine: PushEngine, account: Account, openid: str, kf_account: str) -> None:
    """Give the customer to an agent of the tool and push kf_create_session."""
    books = account.books
    books.waiting.pop(openid, None)
    books.sessions[openid] = NativeSession(kf_account, world.clock.now_ms())
    world.touch("books", account.appid, "")
    _announce(world, engine, account, openid, "kf_create_session", {"kf_account": kf_account})


def end(world: World, engine: PushEngine, account: Account, openid: str) -> None:
    """Close the session and push kf_close_session; pushes to the callback resume."""
    session = account.books.sessions.pop(openid)
    world.touch("books", account.appid, "")
    spec = {"kf_account": session.kf_account}
    _announce(world, engine, account, openid, "kf_close_session", spec)


def forward(
    world: World, engine: PushEngine, account: Account, openid: str, kf_account: str
) -> None:
    """What transfer_customer_service does: bind to the named agent, a free one, or the queue."""
    if kf_account:
        start(world, engine, account, openid, kf_account)
        return
    for agent in account.kf.values():
        if agent.status and agent.auto_accept:
            start(world, engine, account, openid, agent.kf_account)
            return
    account.books.waiting[openid] = world.clock.now_ms()
    world.touch("books", account.appid, "")


def record(world: World, account: Account, openid: str, line: dict[str, Any]) -> None:
    """Keep a line of getmsglist: 2002 agent sent, 2003 agent received."""
    row = {"openid": openid, "time": world.clock.now_s(), **line}
    account.books.records.append(row)
    del account.books.records[:-RECORDS_MAX]
    world.touch("books", account.appid, "")


def _announce(
    world: World,
    engine: PushEngine,
    account: Account,
    openid: str,
    event: str,
    spec: dict[str, Any],
) -> None:
    body = {
        "ToUserName": account.settings.original_id,
        "FromUserName": openid,
        "CreateTime": world.clock.now_s(),
        "MsgType": "event",
        **wire.event_elements({"event": event, **spec}, 0),
    }
    engine.in_background(account, openid, body)
