"""The desks' event streams: one tail of the desk stream per account and node, fanned out in memory.

An event carries what the API would answer now, so applying it is the same as fetching again. A desk
resumes by Last-Event-ID within five minutes; what is older, or too much for a slow reader, is a ``resync``.
"""

from __future__ import annotations

import json
import queue
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from app.conversations.views import bare_row, session_view
from app.metrics import STREAMS
from sessions.model import Customer, SessionError, State
from sessions.reading import Reading, Row
from sessions.streams import KEPT_MS, DeskStream, Told

BACKLOG_MAX: Final = 1_000
"""Events a slow reader may be behind before he must fetch again."""

KEPT_EVENTS_MAX: Final = 50_000
STREAMS_MAX: Final = 200
TAIL_BLOCK_MS: Final = 1_000
TAIL_RETRY_S: Final = 0.5
TRIM_MARGIN_MS: Final = 30_000
"""How much earlier than its time an entry is counted as trimmed."""


log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DeskEvent:
    """One event as sent: ``data`` is JSON text. ``group`` is set where the group's agents may see it."""

    id: str
    type: str
    data: str
    audience: frozenset[str]
    group: str
    everyone: bool


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens: his kf_account, groups, and whether he supervises."""

    kf_account: str
    groups: frozenset[str]
    supervisor: bool

    def may_see(self, event: DeskEvent) -> bool:
        return (
            self.supervisor
            or event.everyone
            or self.kf_account in event.audience
            or (bool(event.group) and event.group in self.groups)
        )


class StreamSlots:
    """How many event streams a node holds: each keeps a thread, and the others need some too."""

    def __init__(self, most: int = STREAMS_MAX) -> None:
        self._free = threading.BoundedSemaphore(most)

    def take(self) -> bool:
        if not self._free.acquire(blocking=False):
            return False
        STREAMS.inc()
        return True

    def give_back(self) -> None:
        self._free.release()
        STREAMS.dec()


EVENT_ID: Final = re.compile(r"\d{1,19}(-\d{1,19})?", re.ASCII)

RESYNC: Final = DeskEvent("", "resync", "{}", frozenset(), "", everyone=True)


@dataclass(eq=False, slots=True)
class Subscription:
    """One desk's stream; ``get`` waits for the next event."""

    listener: Listener
    pending: queue.Queue[DeskEvent] = field(default_factory=lambda: queue.Queue(BACKLOG_MAX))

    def get(self, timeout_s: float) -> DeskEvent | None:
        try:
            return self.pending.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def offer(self, event: DeskEvent) -> None:
        """Never blocks: one who is too far behind loses his backlog and must fetch again."""
        try:
            self.pending.put_nowait(event)
        except queue.Full:
            self._start_over()

    def _start_over(self) -> None:
        while True:
            try:
                self.pending.get_nowait()
            except queue.Empty:
                break
        self.pending.put_nowait(RESYNC)


class DeskHub:
    """All desks of one official account on this node."""

    def __init__(
        self,
        appid: str,
        stream: DeskStream,
        reading: Reading,
        on_roster_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._appid = appid
        self._stream = stream
        self._reading = reading
        self._on_roster_change = on_roster_change
        self._lock = threading.Lock()
        self._subscriptions: set[Subscription] = set()
        self._kept: deque[DeskEvent] = deque(maxlen=KEPT_EVENTS_MAX)
        self._last_id = "0-0"
        self._heard_at = time.monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._tail, name=f"desk-{appid}", daemon=True)

    def start(self) -> None:
        """Loads the last five minutes, then follows the stream."""
        self._keep(self._stream.recent())
        if not self._kept:
            self._last_id = self._stream.last_id()
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def subscribe(self, listener: Listener, last_id: str) -> Subscription:
        """A stream that begins after ``last_id`` ("" = from now on)."""
        subscription = Subscription(listener)
        with self._lock:
            for event in self._missed(last_id):
                if listener.may_see(event):
                    subscription.offer(event)
            self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        with self._lock:
            self._subscriptions.discard(subscription)

    def last_id(self) -> str:
        """The id of the newest event; a desk that fetches afterwards misses nothing from here on."""
        return self._last_id

    def listeners(self) -> int:
        return len(self._subscriptions)

    def _missed(self, last_id: str) -> Iterable[DeskEvent]:
        if not last_id or last_id == self._last_id:
            return ()
        oldest = self._kept[0].id if self._kept else self._last_id
        if _order(last_id) < _order(oldest) or self._of_another_history(last_id):
            return (RESYNC,)
        return [event for event in self._kept if _order(event.id) > _order(last_id)]

    def _of_another_history(self, last_id: str) -> bool:
        """Later than a node that lags could explain: the store was set up anew or put back since."""
        return _order(last_id)[0] > _order(self._last_id)[0] + TRIM_MARGIN_MS

    def _tail(self) -> None:
        while not self._stopping.is_set():
            try:
                told = self._stream.tail(self._last_id, TAIL_BLOCK_MS)
                self._keep(told)
                self._heard()
            except SessionError as error:
                log.warning("desk_tail_interrupted", appid=self._appid, error=str(error))
                self._stopping.wait(TAIL_RETRY_S)
            except Exception:
                log.exception("desk_tail_failed", appid=self._appid)
                self._stopping.wait(TAIL_RETRY_S)

    def _heard(self) -> None:
        """After a silence as long as the stream is kept, entries may be gone unread: all start over."""
        silent_ms = (time.monotonic() - self._heard_at) * 1000
        self._heard_at = time.monotonic()
        if silent_ms < KEPT_MS - TRIM_MARGIN_MS:
            return
        with self._lock:
            self._kept.clear()
            for subscription in self._subscriptions:
                subscription.offer(RESYNC)

    def _keep(self, told: list[Told]) -> None:
        if not told:
            return
        events = self._render(told)
        with self._lock:
            for event in events:
                self._kept.append(event)
                for subscription in self._subscriptions:
                    if subscription.listener.may_see(event):
                        subscription.offer(event)
            self._last_id = told[-1].id
            self._drop_old()
        if any(t.type == "presence.changed" for t in told):
            self._on_roster_change()

    def _drop_old(self) -> None:
        oldest = _order(self._last_id)[0] - KEPT_MS
        while self._kept and _order(self._kept[0].id)[0] < oldest:
            self._kept.popleft()

    def _render(self, told: list[Told]) -> list[DeskEvent]:
        """Two round trips for a whole batch: each conversation as it is now."""
        wanted = {t.session_id for t in told if t.session_id}
        rows = {row.session.id: row for row in self._reading.rows(sorted(wanted))}
        return [self._event(entry, rows.get(entry.session_id)) for entry in told]

    def _event(self, told: Told, row: Row | None) -> DeskEvent:
        if row is None and told.session is not None:
            gone = Customer(told.session.openid)
            row = bare_row(told.session, gone, told.session.closed_ms)
        data: dict[str, Any] = {}
        if row is not None and told.type != "viewer.changed":
            data["session"] = session_view(row, self._appid)
        elif "view" in told.values:
            data["session"] = json.loads(told.values["view"])
        if told.message is not None:
            data["message"] = told.message
        if not data or told.type == "notice":
            data = _plain(told) | data
        waiting = row is not None and row.session.state is State.WAITING
        return DeskEvent(
            id=told.id,
            type=told.type,
            data=json.dumps(data, ensure_ascii=False, separators=(",", ":")),
            audience=told.audience,
            group=told.group if waiting or told.type == "queue.changed" else "",
            everyone=told.type == "presence.changed",
        )


def _plain(told: Told) -> dict[str, Any]:
    values: dict[str, Any] = {n: v for n, v in told.values.items() if n != "sid"}
    if told.type == "queue.changed":
        return {
            "group": told.group,
            "waiting": int(values["waiting"]),
            "joined": values["joined"] or None,
            "left": values["left"] or None,
        }
    kf_account = next(iter(told.audience), "")
    for flag in ("typing", "viewing"):
        if flag in values:
            values[flag] = values[flag] == "1"
    for number in ("since_ms", "off_shift_ms"):
        if number in values:
            values[number] = int(values[number])
    return {"kf_account": kf_account, "session_id": told.session_id or None, **values}


def _order(ident: str) -> tuple[int, int]:
    """A stream id as comparable numbers; what is no id comes before everything."""
    ms, _, number = ident.partition("-")
    return (int(ms), int(number or 0)) if EVENT_ID.fullmatch(ident) else (0, 0)
