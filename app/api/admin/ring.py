"""Admin: the ring, the decision for a customer, and the effect of a change of agents."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from app.api.core import Body, Call, Query, Routes, Shape
from app.conversations.assignment import decision
from app.directory.kf_names import completed
from routing.preview import Change, preview, shares
from routing.ring import Ring
from sessions.model import Customer

ACTION = "admin.ring"
AGENTS_MAX = 200

Seats = Annotated[int, Field(ge=1, le=1000)]
Names = Annotated[list[str], Field(max_length=AGENTS_MAX)]
Weights = Annotated[dict[str, Seats], Field(max_length=AGENTS_MAX)]

routes = Routes()


class RingQuery(Query):
    """``openid``: the customer to decide for. ``group``: the group of the ring, else the customer's."""

    openid: str | None = Field(None, min_length=1, max_length=128)
    group: str | None = Field(None, min_length=1, max_length=64)


class RingAgent(Shape):
    """An agent on the ring. ``share``: the part of all customers they serve, 0 to 1. ``weight``: seats."""

    kf_account: str
    weight: int
    share: float
    load: int


class Decision(Shape):
    """The agent who would serve the customer now (null: the customer would wait), and the explanation card.

    ``open_session``: the customer is served already, so their message goes there whatever the card says.
    """

    openid: str
    group: str
    priority: int
    kf_account: str | None
    open_session: str | None
    owner: str | None
    why: dict[str, Any]


class RingShape(Shape):
    """The online agents of one group, and the decision for the customer, if one was named."""

    group: str
    agents: list[RingAgent]
    decision: Decision | None


class PreviewBody(Body):
    """``add`` and ``weights``: seats by kf_account. ``remove``: names. Bare prefixes are allowed."""

    group: str | None = Field(None, min_length=1, max_length=64)
    add: Weights = Field(default_factory=dict)
    remove: Names = Field(default_factory=list)
    weights: Weights = Field(default_factory=dict)


class Share(Shape):
    """One agent's share of the customers before and after the change."""

    kf_account: str
    before: float
    after: float


class Move(Shape):
    """Customers who would move between two agents; null stands for nobody."""

    from_kf_account: str | None
    to_kf_account: str | None
    share: float


class PreviewShape(Shape):
    """The effect of a change: ``moved_share`` of all customers move, measured on ``sample`` made-up ones."""

    group: str
    moved_share: float
    sample: int
    agents: list[Share]
    moves: list[Move]


@routes.add(
    "GET",
    "/admin/ring",
    ACTION,
    summary="Return the ring, and the agent who would serve a customer now",
    query=RingQuery,
    answer=RingShape,
)
def read_ring(call: Call) -> dict[str, Any]:
    decision = _decision(call, call.query.openid, call.query.group) if call.query.openid else None
    group = decision["group"] if decision else _group(call, call.query.group)
    ring = call.account.attendance.roster().ring(group)
    return {"group": group, "agents": _agents(call, ring), "decision": decision}


@routes.add(
    "POST",
    "/admin/ring/preview",
    ACTION,
    summary="Preview which customers a change of agents would move",
    body=PreviewBody,
    answer=PreviewShape,
)
def preview_ring(call: Call) -> dict[str, Any]:
    body, config = call.body, call.account.config
    group = _group(call, body.group)
    change = Change(
        add={completed(config, name): seats for name, seats in body.add.items()},
        remove=[completed(config, name) for name in body.remove],
        weights={completed(config, name): seats for name, seats in body.weights.items()},
    )
    return {"group": group, **preview(call.account.attendance.roster().ring(group), change)}


def _decision(call: Call, openid: str, group: str | None) -> dict[str, Any]:
    """Return the decision of the functions that route an arriving message, without writing anything."""
    account = call.account
    customer, now_ms = account.store.customer(openid)
    made = decision(account, customer, now_ms, group=group or "")
    choice = made.choice
    return {
        "openid": openid,
        "group": choice.group,
        "priority": made.place.priority,
        "kf_account": choice.kf_account or None,
        "open_session": customer.open_session or None,
        "owner": _owner(call, customer),
        "why": dict(made.card),
    }


def _owner(call: Call, customer: Customer) -> str | None:
    found = call.account.queries.sessions([customer.open_session] if customer.open_session else [])
    return (found[0].kf_account or None) if found else None


def _agents(call: Call, ring: Ring) -> list[dict[str, Any]]:
    parts = shares(ring)
    loads = call.account.seats.crowd("", [name for name, _ in ring.weights]).loads
    return [
        {"kf_account": name, "weight": weight, "share": parts[name], "load": loads[name]}
        for name, weight in ring.weights
    ]


def _group(call: Call, group: str | None) -> str:
    return group or call.account.plan().routing.default_group
