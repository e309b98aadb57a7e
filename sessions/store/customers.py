"""Customers for the hot path: what is mirrored from SQL beyond their conversations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import redis

from sessions.budget import buckets_of
from sessions.model import BudgetRule, Customer
from sessions.store.keys import Keys
from sessions.store.scripts import guarded

CLAIM_MS: Final = 30_000
"""How long one node alone may read a customer's tags, ms."""


def customer_from_hash(
    openid: str, raw: Mapping[str, str], now_ms: int, rule: BudgetRule
) -> Customer:
    """Return the customer as their hash says at Redis time ``now_ms``; unknown fields are left aside."""
    return Customer(
        openid=openid,
        open_session=raw.get("open", ""),
        last_session=raw.get("last_session", ""),
        last_kf=raw.get("last_kf", ""),
        last_served_ms=int(raw.get("last_served_ms", 0)),
        last_closed_ms=int(raw.get("last_closed_ms", 0)),
        subscribed={"0": False, "1": True}.get(raw.get("subscribed", "")),
        remark=raw.get("remark", ""),
        buckets=buckets_of(raw, now_ms, rule),
        facts=json.loads(raw["facts"]) if "facts" in raw else {},
        source=raw.get("source", ""),
        source_ms=int(raw.get("source_ms", 0)),
        platform_tags=tuple(json.loads(raw["platform_tags"])) if "platform_tags" in raw else (),
        tags_read_ms=int(raw.get("tags_read_ms", 0)),
    )


def claim_tags(client: redis.Redis, appid: str, openid: str, before_ms: int, now_ms: int) -> bool:
    """Claim the reading of a customer's tags at the platform; of all nodes one gets True.

    There is something to read where they were read before ``before_ms``. Raises StoreDown.
    """
    keys = Keys(appid)
    key, claim = keys.of("customer", openid), keys.of("tags_claim", openid)
    read_ms = int(guarded(lambda: client.hget(key, "tags_read_ms")) or 0)
    if read_ms >= before_ms:
        return False
    return bool(guarded(lambda: client.set(claim, now_ms, nx=True, px=CLAIM_MS)))


def put_tags(
    client: redis.Redis, appid: str, openid: str, tags: Sequence[str], now_ms: int
) -> None:
    """Store the customer's tags at WeChat. Raises StoreDown."""
    text = json.dumps(list(tags), ensure_ascii=False, separators=(",", ":"))
    values: dict[Any, Any] = {"platform_tags": text, "tags_read_ms": now_ms}
    keys = Keys(appid)
    guarded(lambda: client.hset(keys.of("customer", openid), mapping=values))
    guarded(lambda: client.delete(keys.of("tags_claim", openid)))


def mirror(
    client: redis.Redis, appid: str, openid: str, remark: str, facts: Mapping[str, Any]
) -> None:
    """Store remark and facts of the customer. Raises StoreDown."""
    text = json.dumps(dict(facts), ensure_ascii=False, separators=(",", ":"))
    values: dict[str | bytes | bytearray | memoryview[int] | int | float, Any] = {}
    values |= {"remark": remark, "facts": text}
    guarded(lambda: client.hset(Keys(appid).of("customer", openid), mapping=values))
