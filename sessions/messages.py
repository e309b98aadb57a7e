"""Messages as stored: a JSON object per message, written once, and an overlay of what changed since.

The script puts ``{"seq":…,"session_id":…,"created_ms":…,`` in front of the tail made here, so that the
hot path never decodes JSON inside Redis.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from sessions.model import Delivery, Inbound

REQUEST_ID: Final = "request_id"
PREVIEW_CHARS = 60
"""Length of the last message's text stored with the session."""


@dataclass(frozen=True, slots=True)
class SystemLine:
    """A system line for the desk: a code that the page puts into words, and its values."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What an agent sends: ``type`` text or image…, ``media`` {"media_id": our id} where there is one."""

    client_id: str
    type: str
    text: str
    media: Mapping[str, Any] = field(default_factory=dict)


def content_hash(message: Outgoing) -> str:
    """Return a hash that tells different contents under one client_id apart."""
    content = json.dumps(
        [message.type, message.text, dict(message.media)],
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


def message_id(session_id: str, seq: int) -> str:
    return f"{session_id}.{seq}"


def split_message_id(ident: str) -> tuple[str, int]:
    """Return (session id, seq). Raises ValueError for text that is not a message id."""
    session_id, _, seq = ident.rpartition(".")
    return session_id, int(seq)


def inbound_body(push: Inbound) -> str:
    status = Delivery.RECEIVED.value
    return _tail(
        direction="in",
        type=push.type,
        text=push.text,
        media=_media_of(push),
        status=status,
        wechat_msg_id=push.msg_id,
    )


def outgoing_body(message: Outgoing, kf_account: str, sender: str, request_id: str = "") -> str:
    """Return the stored tail; ``sender`` wrote it, ``request_id`` is the call it came with, for the logs."""
    return _tail(
        direction="out",
        type=message.type,
        text=message.text,
        media=dict(message.media),
        status=Delivery.PENDING.value,
        client_id=message.client_id,
        kf_account=kf_account,
        by=sender,
        request_id=request_id,
    )


def notice_body(text: str, menu: Mapping[str, Any] | None = None) -> str:
    """Return an automatic message to the customer, a text or a menu, in the account's name."""
    return _tail(
        direction="out",
        type="msgmenu" if menu else "text",
        text=text,
        media=dict(menu or {}),
        status=Delivery.PENDING.value,
        notice=True,
    )


def system_body(line: SystemLine) -> str:
    return _tail(direction="system", type="system", code=line.code, values=dict(line.values))


def compact(value: Any) -> str:
    """Return JSON as it is stored: without spaces, and with the characters themselves."""
    return orjson.dumps(value).decode()


def preview(push: Inbound) -> str:
    return push.text[:PREVIEW_CHARS]


def view(raw: str, overlay: str | None) -> dict[str, Any]:
    """Return the message as the contract shows it, with the overlay applied."""
    stored = orjson.loads(raw)
    if overlay:
        stored |= orjson.loads(overlay)
    stored.pop(REQUEST_ID, None)
    return {**_DEFAULTS, "id": message_id(stored["session_id"], stored["seq"]), **stored}


def request_of(raw: str) -> str:
    """Return the call that a stored message came with, for the logs only."""
    return str(orjson.loads(raw).get(REQUEST_ID, ""))


def _media_of(push: Inbound) -> dict[str, Any]:
    media = dict(push.media)
    if push.kind == "event":
        media |= {"event": push.event, "event_key": push.event_key}
    if push.menu_id:
        media["menu_id"] = push.menu_id
    return media


def _tail(**fields: Any) -> str:
    kept = {name: value for name, value in fields.items() if value not in ("", {}, None)}
    return compact(kept)[1:]


_DEFAULTS: dict[str, Any] = {
    "text": "",
    "media": None,
    "status": "",
    "error": None,
    "wechat_msg_id": "",
    "client_id": "",
    "kf_account": "",
}
