"""Admin: the decision for a customer under edited rules. Nothing is stored."""

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
    """``routing`` is the edited document; absent, the live one applies.

    ``openid``: a customer with their stored facts. ``facts``, ``source`` (QR scene, menu key or page) and
    ``previous_agent`` replace stored values; null removes a fact.
    """

    routing: RoutingBody | None = None
    openid: str | None = Field(None, min_length=1, max_length=128)
    facts: Annotated[dict[str, JsonValue], Field(max_length=FACTS_MAX)] = Field(
        default_factory=dict
    )
    source: str | None = Field(None, max_length=200)
    previous_agent: str | None = Field(None, max_length=64)


class PreviewShape(Shape):
    """``number`` of the matching rule, from 1; 0 without one. ``kf_account`` null: the customer would wait.

    Without an ``openid`` there is no position on the ring. Then ``kf_account`` is null, and ``why`` explains
    the group only. ``asks_first``: the customer must ask for a person before a conversation opens.
    ``open_session``: the customer has a conversation now, so the result applies to their next one.
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
    summary="Preview the decision for a customer under edited rules",
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
    """Return the account with the document as its plan. Raises Refusal: invalid with every problem."""
    with reading(call.services.engine) as conn:
        known = frozenset(group.name for group in groups.everyone(conn, call.account.appid))
    document = routing.model_dump(exclude_none=True, exclude={"version"})
    plan = Plan(checked(call, document, known), call.account.plan().groups)
    return replace(call.account, plan=lambda: plan)


def _imagined(call: Call, customer: Customer, now_ms: int) -> Customer:
    """Return the customer with the facts of the request."""
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
