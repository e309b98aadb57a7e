"""Admin: the rules that choose a customer's group, in the order they are tried."""

from __future__ import annotations

from typing import Any

from app.api.core import Call, Routes, Shape

routes = Routes()


class RuleShape(Shape):
    """All conditions of ``when`` must hold; the first rule that fits wins."""

    group: str
    priority: int
    when: dict[str, Any]
    greeting: str = ""


class EntryShape(Shape):
    """``mode`` always or on_request; then only ``words`` and ``menu_keys`` begin a conversation."""

    mode: str
    words: list[str]
    menu_keys: list[str]


class AnswerShape(Shape):
    """The text that answers one of ``words`` while nothing is open."""

    words: list[str]
    text: str


class RoutingShape(Shape):
    """``default_group`` is for customers whom no rule fits; ``timezone`` is what hours mean."""

    default_group: str
    timezone: str
    rules: list[RuleShape]
    entry: EntryShape
    answers: list[AnswerShape]


@routes.add(
    "GET", "/admin/routing", "admin.routing", summary="The routing rules", answer=RoutingShape
)
def read_routing(call: Call) -> dict[str, Any]:
    return call.account.plan().routing.as_document()
