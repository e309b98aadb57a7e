"""Remark, tags and facts of a customer, as agents and other systems set them.

SQL is written first, then mirrored into Redis. The mirror reads SQL again until nothing differs, so that
of two concurrent changes the later one remains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from app.services import Served, Services
from app.storage import customers
from app.storage.customers import CustomerCard
from app.storage.sql import Connection, reading, writing
from sessions.store import customers as profiles

ROUNDS: Final = 5
PLATFORM_REMARK_CHARS: Final = 29
"""WeChat keeps a remark of less than 30 characters (wechat-platform 8)."""

Change = Callable[[Connection], CustomerCard]


def set_remark(services: Services, served: Served, openid: str, remark: str, now_ms: int) -> None:
    """Store the remark and send it to WeChat's console, which may fail. Raises Invalid."""
    appid = served.account.appid
    card = _changed(
        services, served, lambda conn: customers.set_remark(conn, appid, openid, remark, now_ms)
    )
    if len(card.remark) <= PLATFORM_REMARK_CHARS:
        services.background.run("remark", lambda: served.api.update_remark(openid, card.remark))
    _notify_desks(served, openid)


def set_tags(
    services: Services, served: Served, openid: str, tags: Sequence[str], now_ms: int
) -> None:
    """Replace the tags. Raises Invalid."""
    appid = served.account.appid
    _changed(services, served, lambda conn: customers.set_tags(conn, appid, openid, tags, now_ms))


def put_facts(
    services: Services, served: Served, openid: str, facts: Mapping[str, Any], now_ms: int
) -> None:
    """Merge facts; None removes a fact. Raises Invalid."""
    appid = served.account.appid
    _changed(services, served, lambda conn: customers.put_facts(conn, appid, openid, facts, now_ms))


def rule_facts(card: CustomerCard) -> dict[str, Any]:
    """Return the facts for the routing rules: the pushed ones and the agents' tags."""
    given = card.facts.get("tags")
    tags = [*(given if isinstance(given, list) else []), *card.tags]
    return {**card.facts, "tags": list(dict.fromkeys(map(str, tags)))} if tags else card.facts


def _changed(services: Services, served: Served, change: Change) -> CustomerCard:
    appid = served.account.appid
    with writing(services.engine) as conn:
        card = change(conn)
    for _ in range(ROUNDS):
        profiles.mirror(services.redis, appid, card.openid, card.remark, rule_facts(card))
        with reading(services.engine) as conn:
            again = customers.get(conn, appid, card.openid)
        if again == card:
            break
        card = again
    return card


def _notify_desks(served: Served, openid: str) -> None:
    """Notify the desks of the new name of the customer's open conversation."""
    account = served.account
    customer, _ = account.store.customer(openid)
    for session in account.queries.sessions(
        [customer.open_session] if customer.open_session else []
    ):
        values = {"sid": session.id, "g": session.group}
        account.stream.tell("session.updated", session.kf_account, values)
