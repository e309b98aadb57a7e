"""What the hot path needs to know of a customer beyond his conversations, mirrored from SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import redis

from sessions.keys import Keys
from sessions.scripts import guarded


def mirror(
    client: redis.Redis, appid: str, openid: str, remark: str, facts: Mapping[str, Any]
) -> None:
    """Writes remark and facts beside what conversations know of the customer. Raises StoreDown."""
    text = json.dumps(dict(facts), ensure_ascii=False, separators=(",", ":"))
    values: dict[str | bytes | bytearray | memoryview[int] | int | float, Any] = {}
    values |= {"remark": remark, "facts": text}
    guarded(lambda: client.hset(Keys(appid).of("customer", openid), mapping=values))
