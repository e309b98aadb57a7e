"""What a customer's message may mean beyond its text: place, leaving the queue, asking for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.account import Account
from routing.document import Plan, Routing, folded
from routing.groups import ON_REQUEST
from routing.hours import spoken
from sessions.model import Inbound, Outcome

PLACE: Final = "place"
CANCEL: Final = "cancel"
WAITING_WORDS: Final[Mapping[str, str]] = {
    "排队": PLACE,
    "queue": PLACE,
    "取消": CANCEL,
    "cancel": CANCEL,
}
"""Whole trimmed messages that mean this only while the customer waits."""


def asked_while_waiting(push: Inbound) -> str:
    """Return PLACE, CANCEL or "" for what a waiting customer's message asks."""
    return WAITING_WORDS.get(folded(push.text), "") if push.type == "text" else ""


def on_request(plan: Plan, group: str) -> bool:
    """Return whether customers of the group must ask for a person first."""
    return (plan.group(group).entry or plan.routing.entry.mode) == ON_REQUEST


def requests_person(routing: Routing, push: Inbound) -> bool:
    """Return whether the push asks for a person: by a listed text or menu key, or as an event that opens."""
    if push.kind == "event" or push.menu_id in routing.entry.menu_keys:
        return True
    return push.type == "text" and folded(push.text) in routing.entry.words


def answer_to(routing: Routing, push: Inbound) -> str:
    """Return the keyword answer to this message, "" without one."""
    word = folded(push.text) if push.type == "text" else ""
    found = (answer.text for answer in routing.answers if word in answer.words)
    return next(found, "")


def closed_text(account: Account, group: str, opens_ms: int | None) -> str:
    """Return the text for customers outside a group's hours."""
    plan = account.plan()
    found = plan.group(group)
    if found.closed_message or found.hours is None:
        return found.closed_message
    return account.notices("closed", opens=spoken(opens_ms, found.hours.timezone))


def reply_text(account: Account, outcome: Outcome) -> str:
    """Return the passive reply of a stored outcome, the same for every delivery of its push."""
    if outcome.text or not outcome.notice:
        return outcome.text
    measured = outcome.notice == "queue" and outcome.minutes
    notice = "queue_minutes" if measured else outcome.notice
    return account.notices(notice, position=outcome.position, minutes=outcome.minutes)
