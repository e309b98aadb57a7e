"""Admin: tokens for other systems that call the API."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from app.api.core import Body, Call, PageMeta, Routes, Shape, WholeQuery, page_of
from app.storage import integrations
from app.storage.audit import acting
from app.storage.integrations import Integration
from app.storage.sql import reading

PATH = "/admin/integrations"
ACTION = "admin.integrations"

routes = Routes()


class IntegrationShape(Shape):
    """The access of one system. ``revoked_ms`` is null while it is valid."""

    id: int
    name: str
    scopes: list[str]
    created_ms: int
    revoked_ms: int | None


class IntegrationMade(IntegrationShape):
    """A new access. ``token`` is shown only once; it belongs in the header ``Authorization: Bearer``."""

    token: str


class NewIntegrationBody(Body):
    """A new access. ``scopes`` are the actions that it may do."""

    name: str = Field(min_length=1, max_length=64)
    scopes: Annotated[list[str], Field(min_length=1, max_length=20)] = Field(
        default_factory=lambda: sorted(integrations.SCOPES)
    )


@routes.add(
    "GET",
    PATH,
    ACTION,
    summary="List the integrations, revoked ones included",
    query=WholeQuery,
    answer=list[IntegrationShape],
    meta=PageMeta,
)
def list_integrations(call: Call) -> tuple[Any, Any]:
    with reading(call.services.engine) as conn:
        issued = integrations.everyone(conn)
    return page_of([_shown(found) for found in issued], call.query)


@routes.add(
    "POST",
    PATH,
    ACTION,
    summary="Issue a token",
    body=NewIntegrationBody,
    answer=IntegrationMade,
    status=201,
)
def issue_integration(call: Call) -> dict[str, Any]:
    with acting(call.services.engine) as conn:
        made, token = integrations.issue(conn, call.actor, call.body.name, call.body.scopes)
    return _shown(made) | {"token": token}


@routes.add(
    "DELETE",
    PATH + "/<int:integration_id>",
    ACTION,
    summary="Revoke a token at once",
    answer=IntegrationShape,
)
def revoke_integration(call: Call, integration_id: int) -> dict[str, Any]:
    with acting(call.services.engine) as conn:
        return _shown(integrations.revoke(conn, call.actor, integration_id))


def _shown(found: Integration) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "scopes": list(found.scopes),
        "created_ms": found.created_ms,
        "revoked_ms": found.revoked_ms,
    }
