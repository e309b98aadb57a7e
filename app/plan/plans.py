"""What operators decided (groups, rules), from memory: the callback asks it and must never wait for SQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from app.storage import groups, routing
from app.storage.sql import Connection, Engine, StorageError, reading
from routing.document import Plan, routing_from
from routing.groups import Group, group_from
from routing.rules import BadRule

REFRESH_S: Final = 3.0

log = structlog.get_logger()


def read_plan(conn: Connection, appid: str, timezone: str) -> Plan:
    """The plan as SQL has it; ``timezone`` where the document names none. Raises BadRule."""
    document = routing.live(conn, appid).routing(timezone)
    found = groups.everyone(conn, appid)
    return Plan(document, {g.name: _group(g, document.timezone) for g in found})


def shipped_plan(timezone: str) -> Plan:
    """The plan of a node that has not read SQL yet."""
    return Plan(routing_from(routing.shipped().document, timezone))


class Plans:
    """The plan of one official account; re-read behind its users every ``refresh_s``.

    A database that is slow or away holds nobody up: what was read last goes on. ``on_members`` is told
    whose groups or ramps changed, on whatever node that was done.
    """

    def __init__(
        self, engine: Engine, appid: str, timezone: str, refresh_s: float = REFRESH_S
    ) -> None:
        self._engine = engine
        self._appid = appid
        self._timezone = timezone
        self._refresh_s = refresh_s
        self._current = shipped_plan(timezone)
        self._read_once = False
        self._next_read_s = 0.0
        self._reading = threading.Lock()
        self.on_members: Callable[[frozenset[str]], object] = lambda kf_accounts: None

    def __call__(self) -> Plan:
        if time.monotonic() >= self._next_read_s and self._reading.acquire(blocking=False):
            self._next_read_s = time.monotonic() + self._refresh_s
            threading.Thread(target=self._read_behind, name="plan", daemon=True).start()
        return self._current

    def reload(self) -> frozenset[str]:
        """Read now: at the start, and on the node where something was changed. Whose groups changed.

        Raises StorageError, BadRule.
        """
        with reading(self._engine) as conn:
            found = read_plan(conn, self._appid, self._timezone)
        changed = _moved(self._current.groups, found.groups) if self._read_once else frozenset()
        self._current, self._read_once = found, True
        self._next_read_s = time.monotonic() + self._refresh_s
        return changed

    def _read_behind(self) -> None:
        try:
            changed = self.reload()
            if changed:
                self.on_members(changed)
        except (StorageError, BadRule) as error:
            log.warning("plan_not_read", appid=self._appid, error=str(error))
        except Exception as error:  # the next reading tries again; a thread has nobody to tell
            log.warning("plan_not_applied", appid=self._appid, error_type=type(error).__name__)
        finally:
            self._reading.release()


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
