"""What agents and other systems tell us of a customer: remark, tags, facts for the routing rules.

SQL is written first and mirrored into Redis then; the mirror reads again until nothing differs, so that
of two changes at once the later one stays.
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
    """Also told to WeChat, where it is shown in the account's console; that may fail. Raises Invalid."""
    appid = served.account.appid
    card = _changed(
        services, served, lambda conn: customers.set_remark(conn, appid, openid, remark, now_ms)
    )
    if len(card.remark) <= PLATFORM_REMARK_CHARS:
        services.background.run("remark", lambda: served.api.update_remark(openid, card.remark))
    _tell(served, openid)


def set_tags(
    services: Services, served: Served, openid: str, tags: Sequence[str], now_ms: int
) -> None:
    """Raises Invalid."""
    appid = served.account.appid
    _changed(services, served, lambda conn: customers.set_tags(conn, appid, openid, tags, now_ms))


def put_facts(
    services: Services, served: Served, openid: str, facts: Mapping[str, Any], now_ms: int
) -> None:
    """Merges facts; one of None is removed. Raises Invalid."""
    appid = served.account.appid
    _changed(services, served, lambda conn: customers.put_facts(conn, appid, openid, facts, now_ms))


def rule_facts(card: CustomerCard) -> dict[str, Any]:
    """What the routing rules see: the facts, with the agents' tags beside those that were pushed."""
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


def _tell(served: Served, openid: str) -> None:
    """The open conversation's name has changed on every desk that shows it."""
    account = served.account
    customer, _ = account.store.customer(openid)
    for session in account.queries.sessions(
        [customer.open_session] if customer.open_session else []
    ):
        values = {"sid": session.id, "g": session.group}
        account.stream.tell("session.updated", session.kf_account, values)
