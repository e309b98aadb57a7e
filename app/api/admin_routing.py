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


class RoutingShape(Shape):
    """``default_group`` is for customers whom no rule fits; ``timezone`` is what hours mean."""

    default_group: str
    timezone: str
    rules: list[RuleShape]


@routes.add(
    "GET", "/admin/routing", "admin.routing", summary="The routing rules", answer=RoutingShape
)
def read_routing(call: Call) -> dict[str, Any]:
    policy = call.account.policy
    return {
        "default_group": policy.default_group,
        "timezone": policy.timezone,
        "rules": [
            {"group": rule.group, "priority": rule.priority, "when": dict(rule.when)}
            for rule in policy.rules
        ],
    }
