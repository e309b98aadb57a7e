"""What each kind of push does: triggers, activity, and which pushes open a conversation. Pure.

Source: wechat-platform 2.2 (events) and 5.2 (which trigger lets us answer how often and how long).
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from sessions.model import Inbound, Trigger

MINUTE_MS: Final = 60_000
WINDOW_MS: Final = 48 * 3600 * 1000
"""A customer's message may be answered for 48 hours."""

SHORT_LIMIT: Final = 3
"""Replies within a minute after a menu tap, a follow or a scan."""

MEDIA_TYPES: Final = frozenset({"image", "voice", "video", "shortvideo"})


@dataclass(frozen=True, slots=True)
class Entry:
    """How a push enters.

    ``appends``: shown in the conversation that is open. ``touches``: counts as the customer's word
    (activity, unread). ``opens``: begins a conversation where none is open. ``limit`` replies within
    ``window_ms`` are granted by ``trigger``. ``subscribed``: "" no news, "0" left, "1" follows, "word" what
    only a follower can do. ``notice`` names the passive reply where nothing is open, ``text`` is it in full.
    """

    appends: bool = False
    touches: bool = False
    opens: bool = False
    media: bool = False
    trigger: Trigger | None = None
    limit: int = 0
    window_ms: int = 0
    notice: str = ""
    text: str = ""
    subscribed: str = ""


def _short(trigger: Trigger, *, limit: int = SHORT_LIMIT, **more: object) -> Entry:
    entry = Entry(appends=True, trigger=trigger, limit=limit, window_ms=MINUTE_MS)
    return replace(entry, **more)  # type: ignore[arg-type]


_SHOWN: Final = Entry(appends=True)
_NOTED: Final = Entry()

EVENTS: Final[dict[str, Entry]] = {
    "subscribe": _short(Trigger.FOLLOW, notice="greeting", subscribed="1"),
    "unsubscribe": Entry(appends=True, subscribed="0"),
    "SCAN": _short(Trigger.SCAN, touches=True, subscribed="word"),
    "CLICK": _short(Trigger.MENU, touches=True, subscribed="word"),
    "scancode_push": _short(Trigger.MENU, touches=True, subscribed="word"),
    "scancode_waitmsg": _short(Trigger.MENU, touches=True, subscribed="word"),
    "user_enter_tempsession": _short(Trigger.FOLLOW, limit=2, notice="greeting"),
    "pic_sysphoto": _SHOWN,
    "pic_photo_or_album": _SHOWN,
    "pic_weixin": _SHOWN,
    "location_select": _SHOWN,
    "LOCATION": _NOTED,
    "VIEW": _NOTED,
    "view_miniprogram": _NOTED,
    "TEMPLATESENDJOBFINISH": _NOTED,
    "kf_create_session": _NOTED,
    "kf_close_session": _NOTED,
    "kf_switch_session": _NOTED,
    "subscribe_msg_popup_event": _NOTED,
    "subscribe_msg_change_event": _NOTED,
    "subscribe_msg_sent_event": _NOTED,
}

SOURCE_EVENTS: Final = frozenset({"subscribe", "CLICK", "user_enter_tempsession"})
SCENE_PREFIX: Final = "qrscene_"
SOURCE_CHARS: Final = 200

OPENING_EVENTS: Final = frozenset({"CLICK", "SCAN"})
"""Events whose key, when listed in the settings, opens a conversation."""


def entry_of(push: Inbound, opening_keys: Set[str], reply_budget: int) -> Entry:
    """Return how this push enters; unknown events are shown in an open conversation and open none."""
    if push.kind == "message":
        return _message_entry(push, reply_budget)
    entry = EVENTS.get(push.event, _SHOWN)
    if push.event in OPENING_EVENTS and push.event_key in opening_keys:
        return replace(entry, opens=True)
    return entry


def source_of(push: Inbound) -> str:
    """Return the QR scene, menu key or mini-program page that led the customer here; "" if there is none."""
    if push.event == "SCAN" and push.event_key:
        return (SCENE_PREFIX + push.event_key.removeprefix(SCENE_PREFIX))[:SOURCE_CHARS]
    if push.event in SOURCE_EVENTS:
        return (push.event_key or str(push.media.get("session_from") or ""))[:SOURCE_CHARS]
    if push.type == "miniprogrampage":
        return str(push.media.get("page_path") or "")[:SOURCE_CHARS]
    return push.menu_id[:SOURCE_CHARS]


def _message_entry(push: Inbound, reply_budget: int) -> Entry:
    media = push.type in MEDIA_TYPES and bool(push.media.get("media_id"))
    return _said(media, bool(push.menu_id), reply_budget)


@cache
def _said(media: bool, by_menu: bool, reply_budget: int) -> Entry:
    """Return one shared value for each of the few kinds: making one costs an eighth of the round trip."""
    said = Entry(appends=True, touches=True, opens=True, media=media, subscribed="word")
    if by_menu:
        return replace(said, trigger=Trigger.MENU, limit=SHORT_LIMIT, window_ms=MINUTE_MS)
    return replace(said, trigger=Trigger.MESSAGE, limit=reply_budget, window_ms=WINDOW_MS)
