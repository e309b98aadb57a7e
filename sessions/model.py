"""What a conversation is made of: frozen values, no I/O, no clock.

Times are integers, milliseconds since the epoch (``*_ms``). A field that has not happened yet is 0 or "".
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


class State(enum.StrEnum):
    """The four states of a conversation, spelled as the product spells them."""

    WAITING = "WAITING"
    SERVING = "SERVING"
    TRANSFERING = "TRANSFERING"
    CLOSED = "CLOSED"


class CloseReason(enum.StrEnum):
    """Why a conversation ended (contract: ``close_reason``)."""

    AGENT = "agent"
    CUSTOMER = "customer"
    IDLE = "idle"
    IDLE_UNANSWERED = "idle_unanswered"
    MISSED = "missed"
    QUEUE_FULL = "queue_full"
    UNSUBSCRIBED = "unsubscribed"
    SUPERVISOR = "supervisor"


class Delivery(enum.StrEnum):
    """What is known of one message's way (contract: ``Message.status``)."""

    RECEIVED = "received"
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Trigger(enum.StrEnum):
    """What a customer did that lets us answer, each with its limit and window (wechat-platform 5.2)."""

    MESSAGE = "message"
    MENU = "menu"
    FOLLOW = "follow"
    SCAN = "scan"


class BudgetRule(enum.StrEnum):
    """How the budgets of several acts combine: the larger count and window, or all counts added up."""

    MAX = "max"
    SUM = "sum"


@dataclass(frozen=True, slots=True)
class Inbound:
    """One push of the platform, proven genuine and parsed.

    ``kind`` is "message" or "event"; ``event`` and ``event_key`` keep the case of the wire;
    ``media`` holds what the type carries beyond text and is JSON-able; ``menu_id`` is ``bizmsgmenuid``.
    """

    appid: str
    openid: str
    to: str
    created_s: int
    kind: str
    type: str
    event: str
    event_key: str
    msg_id: str
    text: str
    media: Mapping[str, Any]
    menu_id: str
    dedup_key: str


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation of one customer, as stored in its Redis hash (every field a column of it).

    ``asked_ms`` is when the oldest unanswered message came, ``nudged_ms`` when the agent was last reminded,
    ``moves`` how often a rule moved the conversation.
    """

    id: str
    openid: str
    state: State
    kf_account: str = ""
    group: str = ""
    priority: int = 0
    version: int = 0
    owner_epoch: int = 0
    rev: int = 0
    seq: int = 0
    in_seq: int = 0
    unread: int = 0
    unanswered: int = 0
    created_ms: int = 0
    queued_ms: int = 0
    waiting_since_ms: int = 0
    first_assigned_ms: int = 0
    assigned_ms: int = 0
    first_reply_ms: int = 0
    last_active_ms: int = 0
    closed_ms: int = 0
    close_reason: str = ""
    previous_session_id: str = ""
    exclude: str = ""
    moves: int = 0
    asked_ms: int = 0
    nudged_ms: int = 0
    transfer_to: str = ""
    transfer_to_group: str = ""
    transfer_by: str = ""
    transfer_note: str = ""
    transfer_expires_ms: int = 0
    last_text: str = ""
    last_direction: str = ""
    last_type: str = ""
    last_ms: int = 0
    rating_score: int = 0
    rating_comment: str = ""
    rating_ms: int = 0

    @property
    def is_open(self) -> bool:
        return self.state is not State.CLOSED

    @property
    def excluded(self) -> frozenset[str]:
        """Return the agents to whom no rule may give this conversation: they declined or never answered."""
        return frozenset(name for name in self.exclude.split(",") if name)

    @classmethod
    def from_hash(cls, raw: Mapping[str, str]) -> Session:
        """Build from a Redis hash; unknown fields are left aside, absent ones keep their default."""
        values: dict[str, Any] = {}
        for name, kind in _SESSION_FIELDS:
            text = raw.get(name)
            if text is not None:
                values[name] = int(text) if kind is int else text
        values["state"] = State(values["state"])
        return cls(**values)


_SESSION_FIELDS: tuple[tuple[str, type], ...] = tuple(
    (f.name, int if f.type == "int" else str) for f in fields(Session)
)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Replies left and until when; ``pending`` are spent but not yet settled.

    Under the rule "max" a customer has one, of the trigger ``message``; under "sum" one for each trigger.
    """

    trigger: Trigger
    left: int
    ends_ms: int
    pending: int = 0


@dataclass(frozen=True, slots=True)
class Customer:
    """What is stored of one customer between conversations (a Redis hash for each openid).

    ``source`` is the QR scene, menu key or page that led here last; ``platform_tags`` are WeChat's, as
    read at ``tags_read_ms``.
    """

    openid: str
    open_session: str = ""
    last_session: str = ""
    last_kf: str = ""
    last_served_ms: int = 0
    last_closed_ms: int = 0
    subscribed: bool | None = None
    remark: str = ""
    buckets: tuple[Bucket, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    source_ms: int = 0
    platform_tags: tuple[str, ...] = ()
    tags_read_ms: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one push, stored under its duplicate key, so that every delivery gets the same answer.

    ``result``: noted, appended, seated, queued or queue_full; asked (for the place in the queue),
    cancel_asked and then cancelled. ``notice`` names the text of the passive reply ("" = plain
    ``success``), ``text`` is it in full; ``position`` is the place in the queue from 1, 0 if none, and
    ``minutes`` the wait to be expected, 0 where nothing was measured yet.
    """

    result: str
    session_id: str = ""
    seq: int = 0
    kf_account: str = ""
    notice: str = ""
    text: str = ""
    position: int = 0
    minutes: int = 0
    repeated: bool = False


class SessionError(Exception):
    """Base of what this package raises."""


class NotFound(SessionError):
    """No such conversation here."""


class Conflict(SessionError):
    """Somebody else changed the conversation first; load and decide again."""


class StoreDown(SessionError):
    """The store did not answer within its time; nothing may be acknowledged."""


class StoreRefused(SessionError):
    """The store answered with an error (out of memory, disk full, busy script)."""
