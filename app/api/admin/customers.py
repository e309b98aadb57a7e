"""Admin: the erasure of a customer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import Field

from app.api.core import Body, Call, Routes, Shape
from app.privacy.erasure import Erasure

REASON_MAX_CHARS = 200

routes = Routes()


class EraseBody(Body):
    """The reason, which is audited."""

    reason: str = Field(min_length=1, max_length=REASON_MAX_CHARS)


class ErasedShape(Shape):
    """Counts of removed rows by table and keys by kind. ``pseudonym`` names the customer in the audit log.

    ``closed``: the conversation that was open. ``files_clean``: SQLite's files hold no copy any more.
    ``log_rewritten``: Redis' append-only file holds none either.
    """

    pseudonym: str
    closed: str | None
    sql: dict[str, int]
    redis: dict[str, int]
    files_clean: bool
    log_rewritten: bool


@routes.add(
    "POST",
    "/admin/customers/<openid>/erase",
    "admin.erase",
    summary="Remove everything that is stored of a customer",
    body=EraseBody,
    answer=ErasedShape,
    refuses=(409,),
)
def erase_customer(call: Call, openid: str) -> dict[str, Any]:
    services, appid = call.services, call.account.appid
    secret = services.node.secret_key.get_secret_value()
    erasure = Erasure(services.scripts, services.engine, appid, secret)
    return asdict(erasure.forget(openid, call.actor, call.body.reason))
