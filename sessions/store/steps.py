"""What goes into the store's steps and what comes out of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Final

import orjson

from sessions.model import Conflict, Customer, Outcome, Session


@dataclass(frozen=True, slots=True)
class Newcomer:
    """The customer has no open conversation; nothing was written. ``now_ms`` is Redis time."""

    customer: Customer
    now_ms: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """A conversation as it stands, with its customer, at Redis time ``now_ms``."""

    session: Session
    customer: Customer
    now_ms: int


@dataclass(frozen=True, slots=True)
class Opening:
    """What Python decided for a new conversation; the script checks seats with live numbers.

    ``candidates`` are (kf_account, cap per conversation of the group) in order of preference;
    ``notices`` name the passive reply for "seated", "queued", "full", ``texts`` are it in full where
    there is one; ``card`` explains that ``chosen`` ("" = nobody) is to serve; ``seats`` are those of the
    group's online agents, for the expected wait.
    """

    group: str
    priority: int
    score_credit_ms: int
    candidates: Sequence[tuple[str, float]]
    queue_max: int
    previous: str
    notices: Mapping[str, str]
    card: str
    chosen: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    seats: int = 0


@dataclass(frozen=True, slots=True)
class Replied:
    """An accepted reply: its ``seq``; ``repeated`` if this client_id had been accepted before."""

    seq: int
    repeated: bool


class ReplyRefused(Exception):
    """``reason``: other_content, closed, not_owner, reply_budget_spent, reply_window_closed…"""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoRoom(Conflict):
    """The agent's seats are all taken, or they are not online."""


_OUTCOME_FIELDS: Final = frozenset(f.name for f in fields(Outcome))


def outcome_of(answer: Sequence[str]) -> Outcome:
    """What a push led to, as a script answers it: {"done" or "repeat", JSON}."""
    stored = orjson.loads(answer[1])
    if not stored.keys() <= _OUTCOME_FIELDS:  # written by a newer node
        stored = {name: value for name, value in stored.items() if name in _OUTCOME_FIELDS}
    return Outcome(**stored, repeated=answer[0] == "repeat")
