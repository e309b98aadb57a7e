"""The desk's event stream (SSE): resuming, heartbeats, repeated checks of the login, and its end."""

from __future__ import annotations

import random
import time
from functools import partial
from typing import Any, Final

import structlog
from flask import Response
from pydantic import Field

from app.api.core import Call, Query, Routes
from app.desk.hub import EVENT_ID
from app.desk.listeners import NUDGE, DeskEvent, Listener, Subscription
from app.desk.stream_slots import Slot
from app.refusals import Refusal
from sessions.model import SessionError

BEAT_S: Final = 10.0
"""Seconds between heartbeats of an idle stream. A desk that misses two opens its stream again.

An idle stream also notices within this time that the node is draining, should the hub not wake it.
"""

BEAT: Final = (": beat", "event: beat", "data: {}")
"""The comment keeps proxies from closing the stream. The event, which has no ``id``, reaches a page."""

CHECK_S: Final = 25.0
"""Seconds between checks of the login: a person who lost their rights gets no event after 30 s."""

SILENT_MS: Final = 150_000
"""Milliseconds without a confirmation before a stream ends. A hidden tab may confirm only once a minute."""

RETRY_MS: Final = (2_000, 4_000)
DRAIN_RETRY_MS: Final = (200, 3_000)
REPLACED_RETRY_MS: Final = 60_000
"""The ``retry`` of a replaced stream. A client that reconnects at once would end the next stream."""

log = structlog.get_logger()
routes = Routes()


class EventsQuery(Query):
    """The last event id, for clients that cannot set the header ``Last-Event-ID``."""

    last_event_id: str = Field("", max_length=64)


class Feed:
    """The body of one stream. ``close`` may be called at any time, also before the first line."""

    def __init__(self, call: Call, slot: Slot, subscription: Subscription, began_at: str) -> None:
        self._call = call
        self._slot = slot
        self._served = call.served
        self._subscription = subscription
        self._began_at = began_at
        self._kf_account = call.kf_account_or_none
        self._open = True
        self._greeted = False
        now = self._opened_at = time.monotonic()
        slot.wake = partial(self._served.hub.nudge, subscription)
        self._beat_at, self._check_at = now + _some_of(BEAT_S), now + _some_of(CHECK_S)

    def __iter__(self) -> Feed:
        return self

    def __next__(self) -> bytes:
        if not self._greeted:
            self._greeted = True
            retry = random.randint(*RETRY_MS)
            began = _lines(f"retry: {retry}", ": kfring", f"id: {self._began_at}")
            return began + _lines(*BEAT)
        while self._open:
            # Checked before each event: a stream that is never idle must end too.
            now = time.monotonic()
            if now >= self._check_at and not (self._still_signed_in(now) and self._heard()):
                break
            if self._slot.replaced:
                self.close()
                return _lines(f"retry: {REPLACED_RETRY_MS}", "event: replaced", "data: {}")
            if self._call.services.node.draining():
                self.close()
                return _lines(
                    f"retry: {random.randint(*DRAIN_RETRY_MS)}", "event: drain", "data: {}"
                )
            event = self._subscription.get(self._until_next_look())
            if event is not None and event is not NUDGE:
                return self._event(event)
            now = time.monotonic()
            if now >= self._beat_at:
                self._beat_at = now + BEAT_S
                return _lines(*BEAT)
        self.close()
        raise StopIteration

    def close(self) -> None:
        """Release slot, subscription and presence, once."""
        if not self._open:
            return
        self._open = False
        self._served.hub.unsubscribe(self._subscription)
        self._call.services.streams.give_back(self._slot)
        if not self._kf_account:
            return
        try:
            self._served.account.attendance.stream_closed(self._kf_account)
        except SessionError as error:
            log.warning("stream_not_withdrawn", error=str(error))

    def _until_next_look(self) -> float:
        return max(0.0, min(self._beat_at, self._check_at) - time.monotonic())

    def _event(self, event: DeskEvent) -> bytes:
        ident = event.id or self._served.hub.last_id()
        self._beat_at = time.monotonic() + BEAT_S
        return _lines(f"id: {ident}", f"event: {event.type}", f"data: {event.data}")

    def _heard(self) -> bool:
        """Return False for a desk that stopped confirming its stream, because its network is gone.

        A connection that died silently looks open for many minutes. It must not keep its agent present.
        """
        if not self._kf_account:
            return True
        try:
            heard_ms, now_ms = self._served.account.seats.stream_heard(self._kf_account)
        except SessionError:
            return True
        began_ms = now_ms - int((time.monotonic() - self._opened_at) * 1000)
        confirmed = heard_ms >= began_ms
        return not confirmed or now_ms - heard_ms < SILENT_MS

    def _still_signed_in(self, now: float) -> bool:
        """Return whether the login is valid, and update the listener, whose groups may have changed."""
        self._check_at = now + CHECK_S
        caller = self._call.caller
        try:
            login = self._call.services.logins.find(caller.secret, caller.kind, active=False)
        except SessionError:
            return True
        self._served.hub.update(self._subscription, _listener(self._call))
        return login is not None


def _some_of(seconds: float) -> float:
    """Return a jittered delay, so that desks which reconnected at the same moment spread out."""
    return seconds * random.uniform(0.4, 1)


@routes.add(
    "GET",
    "/events",
    "events.read",
    summary="Stream events as Server-Sent Events",
    query=EventsQuery,
    raw=True,
    content_types=("text/event-stream",),
)
def read_events(call: Call) -> Response:
    if call.request.method == "HEAD":
        return _response([])
    given = call.request.headers.get("Last-Event-ID", "")[:64] or call.query.last_event_id
    if call.services.node.draining():
        raise Refusal("unavailable", "This node is stopping; connect again to reach another one.")
    slot = call.services.streams.take(call.caller.person_id)
    if slot is None:
        raise Refusal("streams_full", "This node cannot hold another stream; try again.")
    try:
        return _response(_begin(call, slot, given))
    except Exception:
        call.services.streams.give_back(slot)
        raise


def _begin(call: Call, slot: Slot, last_id: str) -> Feed:
    served, kf_account = call.served, call.kf_account_or_none
    began_at = last_id if EVENT_ID.fullmatch(last_id) else served.hub.last_id()
    subscription = served.hub.subscribe(_listener(call), last_id or began_at)
    try:
        if kf_account:
            _arrive(call, kf_account)
    except Exception:
        served.hub.unsubscribe(subscription)
        raise
    return Feed(call, slot, subscription, began_at)


def _arrive(call: Call, kf_account: str) -> None:
    attendance = call.account.attendance
    try:
        attendance.stream_opened(kf_account)
    except SessionError:
        attendance.stream_closed(kf_account)
        raise
    agent = attendance.agent(kf_account)
    if agent is None or not agent.present:
        attendance.refresh()


def _listener(call: Call) -> Listener:
    name = call.kf_account_or_none
    groups = frozenset(call.account.groups_of(name)) if name else frozenset[str]()
    return Listener(name, groups, call.may("sessions.read_any"))


def _response(body: Any) -> Response:
    response = Response(body, mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _lines(*lines: str) -> bytes:
    return ("\n".join(lines) + "\n\n").encode()
