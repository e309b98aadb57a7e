"""Faults on demand and the log of calls made to the platform."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

LOG_MAX = 20_000
HOLD_MS = 10_000
HOLD_MAX_MS = 120_000
KNOWN = {
    "path", "errcode", "errmsg", "http_status", "latency_ms", "drop", "html", "truncate",
    "count", "appid", "openid", "after", "hold_ms", "empty",
}  # fmt: skip


@dataclass(slots=True)
class Fault:
    """One planned misbehaviour.

    ``path`` may end in ``*``. ``count`` None is for ever. ``latency_ms`` alone only slows down.
    ``drop`` handles the call and never answers: True holds the connection for ``hold_ms``,
    "close" cuts it at once. ``after`` handles the call before the wrong answer goes out.
    """

    path: str
    errcode: int | None = None
    errmsg: str = ""
    http_status: int | None = None
    latency_ms: int = 0
    drop: bool | str = False
    html: bool = False
    empty: bool = False
    truncate: bool = False
    after: bool = False
    hold_ms: int = HOLD_MS
    count: int | None = None
    appid: str = ""
    openid: str = ""

    def matches(self, path: str, appid: str, openid: str) -> bool:
        """True when this fault is meant for the call."""
        stem = self.path.removesuffix("*")
        right_path = path == stem or (stem != self.path and path.startswith(stem))
        return (
            right_path
            and (not self.appid or self.appid == appid)
            and (not self.openid or self.openid == openid)
        )

    @property
    def delivers(self) -> bool:
        """Whether the call takes effect although its answer is spoilt."""
        wrong = self.errcode is not None or self.http_status is not None or self.html or self.empty
        return self.after or bool(self.drop) or not wrong


def parse_fault(raw: object) -> Fault:
    """A Fault from JSON; ValueError names what is wrong."""
    if not isinstance(raw, dict) or not isinstance(raw.get("path"), str):
        raise ValueError("each fault is an object with a path")
    if unknown := set(raw) - KNOWN:
        raise ValueError(f"unknown fault fields: {', '.join(sorted(map(str, unknown)))}")
    for name in ("errcode", "http_status", "latency_ms", "hold_ms", "count"):
        if raw.get(name) is not None and type(raw[name]) is not int:
            raise ValueError(f"{name} must be an integer")
    if raw.get("drop") not in (None, False, True, "close"):
        raise ValueError('drop is true, false or "close"')
    fields = {k: v for k, v in raw.items() if v is not None}
    for name in ("latency_ms", "hold_ms"):
        if name in fields:
            fields[name] = min(max(0, fields[name]), HOLD_MAX_MS)
    return Fault(**fields)


class Faults:
    """The current plan; the first matching fault with count left is used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plan: list[Fault] = []

    def replace(self, plan: list[Fault]) -> None:
        """Forget the old plan, follow the new one."""
        with self._lock:
            self._plan = plan

    def take(self, path: str, appid: str, openid: str) -> Fault | None:
        """The fault for this call, counted down."""
        with self._lock:
            for fault in self._plan:
                if fault.count != 0 and fault.matches(path, appid, openid):
                    if fault.count is not None:
                        fault.count -= 1
                    return fault
        return None

    def describe(self) -> list[dict[str, Any]]:
        """The plan with what is left of each count."""
        with self._lock:
            return [{name: getattr(f, name) for name in f.__slots__} for f in self._plan]


class RequestLog:
    """Calls made to the platform, newest last, bounded; never a secret or a token."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: deque[dict[str, Any]] = deque(maxlen=LOG_MAX)
        self._next = 1

    def add(self, row: dict[str, Any]) -> None:
        """Append a call and number it."""
        with self._lock:
            self._rows.append({"n": self._next, **row})
            self._next += 1

    def rows(self, path: str = "", after: int = 0) -> list[dict[str, Any]]:
        """Calls with a number above ``after``, only of ``path`` where given."""
        with self._lock:
            return [r for r in self._rows if r["n"] > after and path in ("", r["path"])]

    def clear(self) -> None:
        """Forget all calls; numbering goes on."""
        with self._lock:
            self._rows.clear()
