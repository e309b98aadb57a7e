"""The desks' event streams: one reader of the desk stream for each account and node, fanned out in memory.

An event carries what the API would answer now, so applying it equals fetching again. It is read only where a
desk of this node may see it. A desk resumes by Last-Event-ID within five minutes; anything older, or too
much for a slow reader, is a ``resync``.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

import structlog

from app.desk.keeping_up import KeepingUp
from app.desk.listeners import (
    BACKLOG_MAX,
    NUDGE,
    RESYNC,
    DeskEvent,
    Listener,
    Listeners,
    Subscription,
)
from app.desk.view import events_of
from sessions.model import SessionError
from sessions.store.desk_stream import KEPT_MS, PAGE, DeskStream, Told
from sessions.store.queries import Queries

KEPT_EVENTS_MAX: Final = 50_000
TAIL_BLOCK_MS: Final = 1_000
TAIL_PACE_S: Final = 0.005
"""Seconds within which entries are read in one batch: one round trip and one wake-up for several."""

ALONE_S: Final = 60.0
"""Seconds a node keeps following the stream after its last desk disconnected: reconnects are immediate."""

TAIL_COUNT: Final = 64
"""Entries read in one batch: a push waits until they are parsed, and a sweep writes 250 in 20 ms."""

TAIL_RETRY_S: Final = 0.5
TRIM_MARGIN_MS: Final = 30_000
"""Milliseconds by which an entry counts as trimmed before its time."""


log = structlog.get_logger()


EVENT_ID: Final = re.compile(r"\d{1,19}(-\d{1,19})?", re.ASCII)


class DeskHub:
    """All desks of one official account on this node."""

    def __init__(
        self,
        appid: str,
        stream: DeskStream,
        queries: Queries,
        draining: Callable[[], bool] = lambda: False,
    ) -> None:
        self._appid = appid
        self._stream = stream
        self._queries = queries
        self._draining = draining
        self._lock = threading.Lock()
        self._listeners = Listeners()
        self._kept: deque[Told] = deque(maxlen=KEPT_EVENTS_MAX)
        self._last_id = "0-0"
        self._heard_at = self._wanted_at = time.monotonic()
        self._following = threading.Event()
        self._turning = threading.Lock()
        self._stopping = threading.Event()
        self._tail = KeepingUp(f"desk-{appid}", self._read_on)

    def start(self) -> None:
        """Allow the node to follow the stream, which it does from its first desk on."""
        self._tail.start()

    def stop(self) -> None:
        with self._turning:
            self._stopping.set()
            self._tail.stop()
            self._following.set()

    def stopped(self) -> bool:
        return not self._tail.is_alive()

    def subscribe(self, listener: Listener, last_id: str) -> Subscription:
        """Open a stream that begins after ``last_id`` ("" = from now on). Raises SessionError."""
        self._follow()
        subscription = Subscription(listener, held=[])
        with self._lock:
            missed = self._missed(last_id)
            self._listeners.add(subscription)
        try:
            events = [RESYNC] if missed is None else self._seen_by(listener, missed)
        except SessionError:
            self.unsubscribe(subscription)
            raise
        with self._lock:
            subscription.caught_up(events)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        with self._lock:
            self._listeners.discard(subscription)

    def nudge(self, subscription: Subscription) -> None:
        """End the reader's wait, so that it checks what ends its stream."""
        with self._lock:
            subscription.offer(NUDGE)

    def update(self, subscription: Subscription, listener: Listener) -> None:
        """Replace the listener, whose groups or role may have changed."""
        if listener == subscription.listener:
            return
        with self._lock:
            self._listeners.discard(subscription)
            subscription.listener = listener
            self._listeners.add(subscription)

    def last_id(self) -> str:
        """Return the id of the newest event; a desk that fetches afterwards misses nothing from there on.

        Raises SessionError.
        """
        self._follow()
        return self._last_id

    def listeners(self) -> int:
        return len(self._listeners)

    def _follow(self) -> None:
        """Follow the stream from five minutes ago, the time before the node's first desk."""
        with self._turning:
            self._wanted_at = time.monotonic()
            if self._following.is_set():
                return
            self._kept.clear()
            recent = self._stream.recent()
            while page := list(islice(recent, PAGE)):
                self._keep(page)
            if not self._kept:
                self._last_id = self._stream.last_id()
            self._heard_at = time.monotonic()
            self._following.set()

    def _rest_when_alone(self) -> None:
        """Stop following without desks: it costs a node that only takes pushes a twentieth of its work."""
        with self._turning:
            if self._listeners:
                self._wanted_at = time.monotonic()
            elif time.monotonic() - self._wanted_at >= ALONE_S and not self._stopping.is_set():
                self._following.clear()
                self._kept.clear()

    def _missed(self, last_id: str) -> list[Told] | None:
        """Return the entries after ``last_id``, in brief; None where more may have come than is stored."""
        if not last_id or last_id == self._last_id:
            return []
        after = _order(last_id)
        oldest = _order(self._kept[0].id if self._kept else self._last_id)
        if after < oldest or self._of_another_history(after):
            return None
        found = list[Told]()
        for told in reversed(self._kept):
            if _order(told.id) <= after:
                break
            found.append(told)
        return found[::-1]

    def _seen_by(self, listener: Listener, missed: Sequence[Told]) -> list[DeskEvent]:
        """Read entries again, as the buffer has no content; RESYNC where they are too many, or gone."""
        mine = [told.id for told in missed if listener.concerned_by(told)]
        if len(mine) > BACKLOG_MAX:
            return [RESYNC]
        told = self._stream.entries(mine)
        if len(told) < len(mine):
            return [RESYNC]
        return [event for event in self._events(told).values() if listener.may_see(event)]

    def _events(self, told: Sequence[Told]) -> dict[str, DeskEvent]:
        events = events_of(told, self._queries, self._appid)
        return {event.id: event for event in events}

    def _of_another_history(self, after: tuple[int, int]) -> bool:
        """Return whether the id is later than a lagging node explains: the store was replaced or restored."""
        return after[0] > _order(self._last_id)[0] + TRIM_MARGIN_MS

    def _read_on(self) -> bool:
        self._following.wait()
        if self._stopping.is_set():
            return False
        try:
            return self._read_page()
        except SessionError as error:
            log.warning("desk_tail_interrupted", appid=self._appid, error=str(error))
        except Exception:
            log.exception("desk_tail_failed", appid=self._appid)
        self._stopping.wait(TAIL_RETRY_S)
        return False

    def _read_page(self) -> bool:
        """Offer the next entries to the desks. Returns whether more may follow."""
        began = time.monotonic()
        self._end_waits_when_draining()  # first, as it must also be done while the store is away
        told = self._stream.tail(self._last_id, TAIL_BLOCK_MS, TAIL_COUNT)
        self._keep(told)
        self._heard()
        self._rest_when_alone()
        if len(told) == TAIL_COUNT:
            return True
        time.sleep(max(0.0, began + TAIL_PACE_S - time.monotonic()))
        return False

    def _heard(self) -> None:
        """Resync all desks after a gap as long as the stream's history: entries may be gone unread."""
        silent_ms = (time.monotonic() - self._heard_at) * 1000
        self._heard_at = time.monotonic()
        if silent_ms < KEPT_MS - TRIM_MARGIN_MS:
            return
        with self._lock:
            self._kept.clear()
            for subscription in self._listeners:
                subscription.offer(RESYNC)

    def _end_waits_when_draining(self) -> None:
        """End all waits once the node drains, so that readers check what ends their stream."""
        if self._draining():
            with self._lock:
                for subscription in self._listeners:
                    subscription.offer(NUDGE)

    def _keep(self, told: list[Told]) -> None:
        if not told:
            return
        events = self._events([one for one in told if self._listeners.concerned(one)])
        with self._lock:
            heard = [(one, self._listeners.concerned(one)) for one in told]
            # a desk may have come in between
            events |= self._events([one for one, who in heard if who and one.id not in events])
            for one, who in heard:
                for subscription in who:
                    if subscription.listener.may_see(events[one.id]):
                        subscription.offer(events[one.id])
            self._kept += [one.brief() for one in told]
            self._last_id = told[-1].id
            self._drop_old()

    def _drop_old(self) -> None:
        oldest = _order(self._last_id)[0] - KEPT_MS
        while self._kept and _order(self._kept[0].id)[0] < oldest:
            self._kept.popleft()


def _order(ident: str) -> tuple[int, int]:
    """Return a stream id as comparable numbers; text that is no id comes before everything."""
    ms, _, number = ident.partition("-")
    return (int(ms), int(number or 0)) if EVENT_ID.fullmatch(ident) else (0, 0)
