"""Admin: the rules that transfer an open conversation (customer's words, agent's rating)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from app.api.core import Body, Call, Routes, Shape
from app.refusals import Refusal
from app.storage import groups, transfer_rules
from app.storage.audit import acting
from app.storage.sql import reading
from routing.transfer_rules import BadTransferRules, TransferRules, transfer_rules_from

PATH = "/admin/routing/transfers"
ACTION = "admin.routing"

routes = Routes()


class KeywordShape(Shape):
    """Words of a customer and the group that they lead to."""

    words: list[str]
    group: str
    match: str


class RulesShape(Shape):
    """The rules. ``rating_below`` 0 switches the rule off."""

    rating_below: float
    keywords: list[KeywordShape]


class TransferRulesShape(RulesShape):
    """The live rules. ``version`` 0 is the shipped one; ``previous`` is the version before."""

    version: int
    previous: RulesShape | None


class KeywordBody(Body):
    """``contains`` matches anywhere in the text, ``whole`` the whole trimmed text."""

    words: list[str] = Field(min_length=1, max_length=100)
    group: str = Field(min_length=1, max_length=64)
    match: Literal["contains", "whole"] = "contains"


class TransferRulesBody(Body):
    """All rules. An absent rule is switched off."""

    rating_below: float = Field(0.0, ge=0, le=5, strict=False)
    keywords: list[KeywordBody] = Field(default_factory=list, max_length=50)


@routes.add("GET", PATH, ACTION, summary="Return the transfer rules", answer=TransferRulesShape)
def read_transfer_rules(call: Call) -> dict[str, Any]:
    with reading(call.services.engine) as conn:
        return _shown(transfer_rules.get(conn, call.account.appid))


@routes.add(
    "PUT",
    PATH,
    ACTION,
    summary="Store a new version of the transfer rules",
    body=TransferRulesBody,
    answer=TransferRulesShape,
)
def put_transfer_rules(call: Call) -> dict[str, Any]:
    rules, account = _checked(call.body), call.account
    with acting(call.services.engine) as conn:
        for group in sorted(rules.groups):
            groups.require(conn, account.appid, group)
        stored = transfer_rules.put(conn, call.actor, account.appid, rules)
    call.served.transfer_rules.reload()
    return _shown(stored)


def _checked(body: TransferRulesBody) -> TransferRules:
    try:
        return transfer_rules_from(body.model_dump())
    except BadTransferRules as error:
        raise Refusal("invalid", str(error)) from None


def _shown(stored: transfer_rules.StoredRules) -> dict[str, Any]:
    previous = stored.previous.as_document() if stored.previous else None
    return stored.rules.as_document() | {"version": stored.version, "previous": previous}
