"""What all nodes know of alarms: who tells the team, what it was told, and quotas that are used up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import redis

from app.delivery.quota import QUOTA_SPENT, SendQuota
from sessions.store.clients import as_ms
from sessions.store.scripts import guarded

LEASE: Final = "kf:alarms:lease"
STANDING: Final = "kf:alarms:standing"
QUOTA: Final = "kf:alarms:quota"
QUOTA_KEPT_S: Final = 600
"""A quota counts as used up so long after the platform last said so."""


class AlarmBoard:
    """Shared by all nodes and official accounts. Raises StoreDown, StoreRefused."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def lead(self, node: str, for_ms: int) -> bool:
        """Whether this node is the one that tells the team, for so long."""
        if guarded(lambda: self._redis.set(LEASE, node, nx=True, px=for_ms)):
            return True
        if guarded(lambda: self._redis.get(LEASE)) != node:
            return False
        return bool(guarded(lambda: self._redis.pexpire(LEASE, for_ms)))

    def standing(self, appid: str) -> dict[str, Any]:
        text = guarded(lambda: self._redis.hget(STANDING, appid))
        found: dict[str, Any] = json.loads(text) if text else {}
        return found

    def keep(self, appid: str, standing: Mapping[str, Any]) -> None:
        text = json.dumps(standing)
        guarded(lambda: self._redis.hset(STANDING, appid, text))

    def quota_spent(self, appid: str, errcode: int) -> None:
        """The platform refused a call because its quota is used up."""
        key = f"{QUOTA}:{appid}"
        guarded(lambda: self._redis.set(key, errcode, ex=QUOTA_KEPT_S))

    def quota_error(self, appid: str) -> str:
        """Its code, "" while all is well; that of sends counts until the platform's day is over."""
        noted = guarded(lambda: self._redis.get(f"{QUOTA}:{appid}"))
        if not noted and SendQuota(self._redis, appid).is_spent():
            noted = QUOTA_SPENT
        return str(noted or "")

    def now_ms(self) -> int:
        return as_ms(guarded(self._redis.time))
