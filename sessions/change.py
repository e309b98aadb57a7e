"""Build the document that the ``commit`` script writes in one step from a decided transition. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from sessions.deadlines import Deadlines, armed, queue_score
from sessions.machine import HOLDINGS, Timer, held_seats
from sessions.messages import SystemLine, notice_body, system_body
from sessions.model import Session, State
from sessions.survey import tag_of


@dataclass(frozen=True, slots=True)
class Notice:
    """An automatic message to the customer.

    It is sent only if at least ``needs`` replies are left; else a system line says so.
    ``menu`` is a satisfaction survey's (sessions/survey.py).
    """

    text: str
    needs: int
    menu: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One committed step of a conversation: what it was, what it becomes, what is said about it.

    ``lines`` are system lines for the desk; ``guard_in_seq`` refuses the step when the customer wrote
    since, ``guard_asked`` when the agent answered since; ``check_room`` lets the script refuse when a
    seat to be taken is not free by live numbers; ``alert`` reaches the owner's desk as a ``notice``;
    ``operation`` names a step that several nodes may try and only one must do.
    """

    before: Session
    after: Session
    lines: tuple[SystemLine, ...] = ()
    notice: Notice | None = None
    guard_in_seq: bool = False
    guard_asked: bool = False
    at_head: bool = False
    check_room: bool = True
    card: str = ""
    alert: Mapping[str, str] = field(default_factory=dict)
    operation: str = ""


def fields_to_write(before: Session, after: Session) -> dict[str, str]:
    """Return the session's fields that differ, as Redis stores them."""
    return {
        f.name: str(getattr(after, f.name))
        for f in fields(Session)
        if getattr(before, f.name) != getattr(after, f.name)
    }


def document(change: Change, deadlines: Deadlines, priority_credit_ms: int) -> dict[str, Any]:
    """Return the ``commit`` script's argument (see store/lua/commit.lua)."""
    before, after = change.before, change.after
    old, new, timers = held_seats(before), held_seats(after), armed(after, deadlines)
    doc: dict[str, Any] = {
        "set": _flat(fields_to_write(before, after)),
        "version": before.version,
        "owner": after.kf_account,
        "group": after.group,
        "take": sorted(new - old),
        "free": sorted(old - new),
        "timers": _flat({t.value: str(ms) for t, ms in timers.items()}),
        "untimers": [t.value for t in Timer if t not in timers],
        "lines": [system_body(line) for line in change.lines],
        "told": _event_name(before, after),
        "audience": ",".join(sorted(old | new | {before.kf_account, after.kf_account} - {""})),
        "check_room": change.check_room,
        "closing": after.state is State.CLOSED,
        "card": change.card,
    }
    if _decided(before, after):
        doc["why"] = _why(change.lines)
    if change.guard_in_seq:
        doc["in_seq"] = before.in_seq
    if change.guard_asked:
        doc["asked_ms"] = before.asked_ms
    if change.alert:
        doc["alert"] = _flat(change.alert)
    if change.notice is not None:
        doc["notice"] = notice_body(change.notice.text, change.notice.menu)
        doc["unsent"] = system_body(SystemLine("notice_not_sent", {"text": change.notice.text}))
        doc["needs"] = change.notice.needs
        if change.notice.menu:
            doc["survey"] = [before.id, tag_of(before.id), before.kf_account]
    return doc | _queue_moves(change, priority_credit_ms) | _seated_moves(before, after)


def _queue_moves(change: Change, priority_credit_ms: int) -> dict[str, Any]:
    before, after = change.before, change.after
    moves: dict[str, Any] = {}
    if (before.state, before.group) == (after.state, after.group) and not change.at_head:
        return moves
    if HOLDINGS[before.state].queue_place:
        moves["dequeue"] = before.group
    if HOLDINGS[after.state].queue_place:
        moves["enqueue"] = after.group
        moves["score"] = queue_score(
            after, at_head=change.at_head, priority_credit_ms=priority_credit_ms
        )
    return moves


def _seated_moves(before: Session, after: Session) -> dict[str, Any]:
    """The group's set of seated conversations follows the owner's seat and the group."""
    was = before.group if HOLDINGS[before.state].owner_seat else ""
    now = after.group if HOLDINGS[after.state].owner_seat else ""
    return {"leave_group": was, "join_group": now} if was != now else {}


def _decided(before: Session, after: Session) -> bool:
    """Return whether the step changes owner or queue, so that the explanation card follows."""
    if HOLDINGS[after.state].queue_place:
        return (before.state, before.group) != (after.state, after.group)
    return after.is_open and after.kf_account != before.kf_account


def _why(lines: Sequence[SystemLine]) -> str:
    """Return why the step was taken, as the line on the desk says it, for the card."""
    return str(lines[0].values.get("why") or lines[0].code) if lines else "assigned"


def _event_name(before: Session, after: Session) -> str:
    if after.state is State.CLOSED:
        return "session.closed"
    if after.kf_account and after.kf_account != before.kf_account:
        return "session.assigned"
    return "session.updated"


def _flat(pairs: Mapping[str, str]) -> list[str]:
    return [part for pair in pairs.items() for part in pair]


def with_exclusion(session: Session, kf_accounts: Sequence[str]) -> Session:
    """Return the conversation with these agents excluded from its queue."""
    names = sorted(session.excluded | set(kf_accounts))
    return replace(session, exclude=",".join(names))
