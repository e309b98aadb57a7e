"""Admin: where a customer would go under rules that are only being edited; nothing is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, JsonValue

from app.account import Account
from app.api.admin.routing import RoutingBody, RuleShape, checked
from app.api.core import Body, Call, Routes, Shape
from app.conversations.assignment import Decision, decision
from app.conversations.meaning import on_request
from app.directory.kf_names import completed
from app.storage import groups
from app.storage.sql import reading
from routing.document import Plan
from sessions.model import Customer

FACTS_MAX = 100

routes = Routes()


class PreviewBody(Body):
    """``routing`` is the edited document, absent: the live one.

    ``openid``: a customer with what is known of him; ``facts``, ``source`` (QR scene, menu key or page) and
    ``previous_agent`` go before that, null removes a fact.
    """

    routing: RoutingBody | None = None
    openid: str | None = Field(None, min_length=1, max_length=128)
    facts: Annotated[dict[str, JsonValue], Field(max_length=FACTS_MAX)] = Field(
        default_factory=dict
    )
    source: str | None = Field(None, max_length=200)
    previous_agent: str | None = Field(None, max_length=64)


class PreviewShape(Shape):
    """``number`` of the rule that fits, from 1, 0 without one. ``kf_account`` null: he would wait.

    Without an ``openid`` there is no place on the ring and so no agent: then ``kf_account`` is null too, and
    ``why`` tells of the group alone. ``asks_first``: he must ask for a person before a conversation begins.
    ``open_session``: he has a conversation now, so that all this holds for his next one.
    """

    openid: str | None
    rule: RuleShape | None
    number: int
    group: str
    priority: int
    greeting: str
    asks_first: bool
    open_session: str | None
    kf_account: str | None
    why: dict[str, Any]


@routes.add(
    "POST",
    "/admin/routing/preview",
    "admin.routing",
    summary="Where a customer would go under edited rules; nothing is kept",
    body=PreviewBody,
    answer=PreviewShape,
)
def preview_routing(call: Call) -> dict[str, Any]:
    body = call.body
    account = _under(call, body.routing) if body.routing else call.account
    customer, now_ms = call.account.store.customer(body.openid or "")
    made = decision(account, _imagined(call, customer, now_ms), now_ms, body.source or "")
    return _shown(account, made, body.openid) | {"open_session": customer.open_session or None}


def _under(call: Call, routing: RoutingBody) -> Account:
    """The account as if the document were in force. Raises Refusal: invalid with every problem."""
    with reading(call.services.engine) as conn:
        known = frozenset(group.name for group in groups.everyone(conn, call.account.appid))
    document = routing.model_dump(exclude_none=True, exclude={"version"})
    plan = Plan(checked(call, document, known), call.account.plan().groups)
    return replace(call.account, plan=lambda: plan)


def _imagined(call: Call, customer: Customer, now_ms: int) -> Customer:
    """The customer with the facts to be tried."""
    facts = {**customer.facts, **call.body.facts}
    customer = replace(customer, facts={n: v for n, v in facts.items() if v is not None})
    if call.body.previous_agent is None:
        return customer
    agent = completed(call.account.config, call.body.previous_agent)
    return replace(customer, last_kf=agent, last_served_ms=now_ms)


def _shown(account: Account, made: Decision, openid: str | None) -> dict[str, Any]:
    place, rule = made.place, made.place.rule
    return {
        "openid": openid,
        "rule": rule.as_document() if rule else None,
        "number": place.number,
        "group": place.group,
        "priority": place.priority,
        "greeting": place.greeting,
        "asks_first": on_request(account.plan(), place.group),
        "kf_account": (made.choice.kf_account or None) if openid else None,
        "why": dict(made.card) if openid else place.as_card(),
    }
