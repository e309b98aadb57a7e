"""What customers may say that is no mere message: who waits asks or leaves, who begins asks for a person."""

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
"""The whole trimmed message; they mean this only while the customer waits."""


def asked_while_waiting(push: Inbound) -> str:
    """PLACE, CANCEL or ""."""
    return WAITING_WORDS.get(folded(push.text), "") if push.type == "text" else ""


def on_request(plan: Plan, group: str) -> bool:
    """Whether customers of the group must ask for a person first."""
    return (plan.group(group).entry or plan.routing.entry.mode) == ON_REQUEST


def requests_person(routing: Routing, push: Inbound) -> bool:
    """Whether the push asks for one: a listed word or menu key, or an event that opens by itself."""
    if push.kind == "event" or push.menu_id in routing.entry.menu_keys:
        return True
    return push.type == "text" and folded(push.text) in routing.entry.words


def answer_to(routing: Routing, push: Inbound) -> str:
    """The text kept for this message, "" without one."""
    word = folded(push.text) if push.type == "text" else ""
    found = (answer.text for answer in routing.answers if word in answer.words)
    return next(found, "")


def closed_text(account: Account, group: str, opens_ms: int | None) -> str:
    """What is said outside a group's hours."""
    plan = account.plan()
    found = plan.group(group)
    if found.closed_message or found.hours is None:
        return found.closed_message
    return account.notices("closed", opens=spoken(opens_ms, found.hours.timezone))


def reply_text(account: Account, outcome: Outcome) -> str:
    """The passive reply of a stored outcome: the same for every delivery of its push."""
    if outcome.text or not outcome.notice:
        return outcome.text
    measured = outcome.notice == "queue" and outcome.minutes
    notice = "queue_minutes" if measured else outcome.notice
    return account.notices(notice, position=outcome.position, minutes=outcome.minutes)
