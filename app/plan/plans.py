"""The plan: groups and routing rules as operators set them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from app.plan.live import REFRESH_S, Live
from app.storage import groups, routing
from app.storage.sql import Connection, Engine
from routing.document import Plan, routing_from
from routing.groups import Group, group_from

log = structlog.get_logger()


def read_plan(conn: Connection, appid: str, timezone: str) -> Plan:
    """Return the plan in SQL. ``timezone`` holds where the document names none. Raises BadRule."""
    document = routing.live(conn, appid).routing(timezone)
    found = groups.everyone(conn, appid)
    return Plan(document, {g.name: _group(g, document.timezone) for g in found})


def shipped_plan(timezone: str) -> Plan:
    """Return the plan of a node that has not read SQL yet."""
    return Plan(routing_from(routing.shipped().document, timezone))


class Plans:
    """The live plan of one official account.

    ``on_members`` is called with the agents whose groups or ramps another node changed.
    """

    def __init__(
        self, engine: Engine, appid: str, timezone: str, refresh_s: float = REFRESH_S
    ) -> None:
        self._live = Live(
            "plan",
            engine,
            appid,
            shipped_plan(timezone),
            lambda conn: read_plan(conn, appid, timezone),
            lambda **why: log.warning("plan_not_read", **why),
            refresh_s,
        )
        self._live.on_change = self._notify
        self._appid = appid
        self.on_members: Callable[[frozenset[str]], object] = lambda kf_accounts: None

    def __call__(self) -> Plan:
        return self._live()

    def reload(self) -> None:
        """Read the plan now. Raises StorageError, BadRule."""
        self._live.reload()

    def _notify(self, before: Plan, after: Plan) -> None:
        moved = _moved(before.groups, after.groups)
        try:
            if moved:
                self.on_members(moved)
        except Exception as error:
            kind = type(error).__name__
            log.warning("plan_not_applied", appid=self._appid, error_type=kind)


def _moved(before: Mapping[str, Group], after: Mapping[str, Group]) -> frozenset[str]:
    empty: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()
    for name in {*before, *after}:
        old, new = before.get(name), after.get(name)
        was, now = old.members if old else empty, new.members if new else empty
        moved |= was ^ now
        if old and new and old.ramp_s != new.ramp_s:
            moved |= now
    return moved


def _group(row: groups.Group, timezone: str) -> Group:
    return group_from(row.name, row.title, row.fallback, row.settings, row.members, timezone)
