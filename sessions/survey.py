"""The satisfaction survey: its menu, and which messages are answers to it. Pure.

Source: wechat-platform 5.4 (a tap comes as a text with ``bizmsgmenuid``, possibly again and much later).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sessions.model import Inbound

WINDOW_MS: Final = 24 * 3600 * 1000
"""How long after the closing an answer counts, ms."""

SCORES: Final = (5, 4, 3, 2, 1)
_PREFIX: Final = "90"
_TAGS: Final = 10**6
_TAP: Final = re.compile(rf"({_PREFIX}\d{{6}})([1-5])")
_TYPED: Final = re.compile(r"([1-5１-５])\s*分?")


@dataclass(frozen=True, slots=True)
class Answer:
    """``tag`` tells which survey was tapped, "" where the score was typed."""

    tag: str
    score: int


def tag_of(session_id: str) -> str:
    """Return a numeric tag, as the platform wants the ids of menu items."""
    return f"{_PREFIX}{int(session_id[:8], 16) % _TAGS:06d}"


def menu(session_id: str, head: str, labels: Mapping[int, str], tail: str) -> dict[str, Any]:
    """The message's media: ``{head, list: [{id, content}], tail}``."""
    tag = tag_of(session_id)
    rows = [{"id": f"{tag}{n}", "content": f"{n} {labels[n]}".strip()} for n in SCORES]
    return {"head": head, "list": rows, "tail": tail}


def answer_of(push: Inbound) -> Answer | None:
    """Return the answer in a tap on a survey, or in a message that is nothing but a score."""
    if push.kind != "message" or push.type != "text":
        return None
    if push.menu_id:
        tap = _TAP.fullmatch(push.menu_id)
        return Answer(tap[1], int(tap[2])) if tap else None
    typed = _TYPED.fullmatch(push.text.strip())
    return Answer("", int(typed[1])) if typed else None
