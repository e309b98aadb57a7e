"""Colleagues and groups with their live numbers, the targets of transfers."""

from __future__ import annotations

from typing import Any

from app.account import Account
from app.api.core import Call, PageMeta, Routes, WholeQuery, page_of
from app.api.shapes import AgentShape, GroupShape
from app.storage import groups
from app.storage.groups import Group
from app.storage.sql import reading

routes = Routes()


@routes.add(
    "GET",
    "/agents",
    "agents.read",
    summary="List the agents",
    query=WholeQuery,
    answer=list[AgentShape],
    meta=PageMeta,
)
def list_agents(call: Call) -> tuple[Any, Any]:
    return page_of(agents_now(call), call.query)


@routes.add(
    "GET",
    "/groups",
    "groups.read",
    summary="List the groups with live numbers",
    query=WholeQuery,
    answer=list[GroupShape],
    meta=PageMeta,
)
def list_groups(call: Call) -> tuple[Any, Any]:
    return page_of(groups_now(call), call.query)


def agents_now(call: Call) -> list[dict[str, Any]]:
    account = call.account
    seen = [agent for agent in account.attendance.agents().values() if agent.seat.enabled]
    loads = account.seats.crowd("", [agent.seat.kf_account for agent in seen]).loads
    return [
        {
            "kf_account": agent.seat.kf_account,
            "nickname": agent.seat.nickname,
            "groups": list(account.groups_of(agent.seat.kf_account)),
            "status": agent.seat.status.value,
            "present": agent.present,
            "serving": agent.serving,
            "off_shift_ms": agent.seat.off_shift_ms or None,
            "load": loads[agent.seat.kf_account],
            "max_sessions": agent.seat.seats,
        }
        for agent in seen
    ]


def groups_now(call: Call) -> list[dict[str, Any]]:
    with reading(call.services.engine) as conn:
        found = groups.everyone(conn, call.account.appid)
    return [_view(call, group) for group in found]


def _members(account: Account, group: str) -> list[str]:
    """Return the group's kf accounts that may serve. An agent without groups serves the default group."""
    agents = account.attendance.agents()
    return [
        name
        for name in sorted(agents)
        if agents[name].seat.enabled and group in account.groups_of(name)
    ]


def _view(call: Call, group: Group) -> dict[str, Any]:
    account = call.account
    crowd = account.seats.crowd(group.name, [])
    return {
        "name": group.name,
        "title": group.title,
        "fallback": group.fallback,
        "members": _members(account, group.name),
        "online": len(account.attendance.roster().online_in(group.name)),
        "waiting": crowd.waiting,
        "seated": crowd.seated,
    }
