"""Types of answers, the source of the OpenAPI document and of the tests' checks."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from app.api.core import Shape

StateName = Literal["WAITING", "SERVING", "TRANSFERING", "CLOSED"]
StatusName = Literal["online", "away", "offline"]
DeliveryName = Literal["received", "pending", "sent", "failed", "unknown", ""]


class CustomerOfSession(Shape):
    """The customer. WeChat gives no nickname, so ``display_name`` is the remark or a part of the openid."""

    display_name: str
    remark: str
    subscribed: bool | None


class LastMessage(Shape):
    """The newest message of a conversation, with its text shortened."""

    direction: str
    type: str
    text: str
    created_ms: int


class Transfer(Shape):
    """A transfer that waits for consent. ``to`` is a kf_account or a group."""

    to: str
    to_group: str | None
    by: str
    note: str
    expires_ms: int


class Rating(Shape):
    """The customer's rating of the service."""

    score: int
    comment: str
    rated_ms: int


class Budget(Shape):
    """The number of replies that WeChat still accepts, and until when."""

    remaining: int
    window_ends_ms: int


class SessionShape(Shape):
    """One conversation. ``rev`` grows with every change, ``version`` with every transition."""

    id: str
    appid: str
    openid: str
    customer: CustomerOfSession
    kf_account: str | None
    state: StateName
    group: str
    priority: int
    created_ms: int | None
    queued_ms: int | None
    first_assigned_ms: int | None
    first_reply_ms: int | None
    last_active_ms: int | None
    assigned_ms: int | None
    closed_ms: int | None
    close_reason: str | None
    queue_position: int | None
    waiting_since_ms: int | None
    unread: int
    unanswered: int
    last_message: LastMessage | None
    version: int
    owner_epoch: int
    rev: int
    previous_session_id: str | None
    transfer: Transfer | None
    rating: Rating | None
    budget: Budget


class DeliveryError(Shape):
    """The reason why a message was not delivered, in Chinese and, if known, in English."""

    errcode: int
    reason: str
    reason_en: str = ""


class _MessageBase(Shape):
    id: str
    seq: int
    session_id: str
    direction: Literal["in", "out", "system"]
    type: str
    text: str
    media: dict[str, Any] | None
    status: DeliveryName
    error: DeliveryError | None
    created_ms: int
    wechat_msg_id: str
    client_id: str
    kf_account: str


class MessageShape(_MessageBase):
    """One message. System lines have ``code`` and ``values``. ``by`` is the author's username; ``notice``
    marks an automatic message."""

    by: str = ""
    notice: bool = False
    code: str = ""
    values: dict[str, Any] = Field(default_factory=dict)


class AgentShape(Shape):
    """One kf_account as colleagues see it. ``serving``: new customers may be assigned to it now.
    ``off_shift_ms``: when the agent's shift ends, null while no end is announced."""

    kf_account: str
    nickname: str
    groups: list[str]
    status: StatusName
    present: bool
    serving: bool
    off_shift_ms: int | None
    load: int
    max_sessions: int


class GroupShape(Shape):
    """One group with its live numbers."""

    name: str
    title: str
    fallback: str | None
    members: list[str]
    online: int
    waiting: int
    seated: int


class MediaShape(Shape):
    """A stored file. ``type`` is the type of a message with the file."""

    media_id: str
    type: str
    mime: str
    size: int
    filename: str


class CustomerShape(Shape):
    """One customer: remark, tags, facts."""

    appid: str
    openid: str
    display_name: str
    remark: str
    subscribed: bool | None
    tags: list[str]
    facts: dict[str, Any]
    kf_account: str | None
    session_id: str | None
    last_served_ms: int | None
    budget: Budget


class NoteShape(Shape):
    """A colleague's note on a customer. ``edited_by`` is null until somebody changes it."""

    id: int
    text: str
    author: str
    created_ms: int
    edited_by: str | None
    edited_ms: int | None


class CannedShape(Shape):
    """A canned reply. All agents may use a shared one."""

    id: int
    title: str
    text: str
    shared: bool
    updated_ms: int
