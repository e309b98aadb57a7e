"""Supervisors: the live state of an official account on one page."""

from __future__ import annotations

from typing import Any, Final

from app.account import Account
from app.api.agent.agents import agents_now, groups_now
from app.api.core import Call, Routes, Shape
from app.api.shapes import AgentShape, GroupShape, SessionShape
from app.conversations.figures import figures_of
from app.conversations.lists import closed
from app.services import Services
from app.storage.records import Filters
from sessions.model import CloseReason

SHOWN: Final = 50
DEAD_COUNTED: Final = 1000

routes = Routes()


class GroupNow(GroupShape):
    """A group with ``oldest_wait_ms``, the wait of the first in its queue, 0 with an empty queue."""

    oldest_wait_ms: int


class Lost(Shape):
    """Customers whom nobody answered, newest first. ``more``: the list is cut."""

    count: int
    more: bool
    sessions: list[SessionShape]


class PresenceNow(Shape):
    """``state`` is connected, suspended, lost or local, for ``since_ms`` milliseconds."""

    state: str
    since_ms: int


class Health(Shape):
    """The stores as this node sees them. ``presence`` is ZooKeeper's state, local without ZooKeeper."""

    redis: bool
    database: bool
    presence: PresenceNow
    sweep_age_ms: int
    settings_differ: list[str]


class Overview(Shape):
    """The live state of one official account. ``streams`` are the open event streams of this node."""

    appid: str
    now_ms: int
    waiting: int
    serving: int
    oldest_wait_ms: int
    groups: list[GroupNow]
    agents: list[AgentShape]
    missed: Lost
    idle_unanswered: Lost
    dead_letters: int
    streams: int
    health: Health


@routes.add(
    "GET", "/admin/overview", "admin.overview", summary="Return the live state", answer=Overview
)
def read_overview(call: Call) -> dict[str, Any]:
    account = call.account
    now_ms = account.store.now_ms()
    groups = groups_now(call)
    figures = figures_of(account, now_ms)
    waits = {name: queue.oldest_wait_ms for name, queue in figures.queues.items()}
    shown = [group | {"oldest_wait_ms": waits.get(group["name"], 0)} for group in groups]
    return {
        "appid": account.appid,
        "now_ms": now_ms,
        "waiting": figures.waiting,
        "serving": figures.serving,
        "oldest_wait_ms": figures.oldest_wait_ms,
        "groups": shown,
        "agents": agents_now(call),
        "missed": _lost(account, CloseReason.MISSED),
        "idle_unanswered": _lost(account, CloseReason.IDLE_UNANSWERED),
        "dead_letters": len(account.queries.dead_letters(DEAD_COUNTED)),
        "streams": call.served.hub.listeners(),
        "health": _health(call.services, account),
    }


def _lost(account: Account, why: CloseReason) -> dict[str, Any]:
    page = closed(account, Filters(close_reason=why.value), None, SHOWN)
    return {
        "count": len(page.items),
        "more": page.next_cursor is not None,
        "sessions": page.items,
    }


def _health(services: Services, account: Account) -> dict[str, Any]:
    presence = account.attendance.health()
    return {
        "redis": bool(services.redis.ping()),
        "database": services.database_up(),
        "presence": {"state": str(presence.state), "since_ms": int(presence.since_s * 1000)},
        "sweep_age_ms": int(services.sweep_age_s() * 1000),
        "settings_differ": list(services.settings_differing()),
    }
