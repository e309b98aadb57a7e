"""WeChat's tags of a customer, for the routing rules. They are read in the background of a callback."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any, Final

import structlog

from app.node.background import Background
from app.wechat.api import WeChatApi, WeChatFailure
from sessions.model import Inbound, SessionError
from sessions.store import customers as profiles
from sessions.store.clients import Redis

FRESH_MS: Final = 6 * 3600 * 1000
"""How long a customer's tags stay valid; a day's quota of user/info is 5 million."""

NAMES_FRESH_S: Final = 600.0
SEEN_MAX: Final = 10_000
TAGS_MAX: Final = 20

log = structlog.get_logger()


class PlatformTags:
    """The tags of one official account's customers."""

    def __init__(self, client: Redis, api: WeChatApi, background: Background) -> None:
        self._redis = client
        self._api = api
        self._background = background
        self._lock = threading.Lock()
        self._seen: dict[str, int] = {}
        self._names: Mapping[int, str] = {}
        self._names_until_s = 0.0

    def noticed(self, push: Inbound) -> None:
        """Have the tags of the push's customer read in the background, unless they are recent."""
        now_ms = int(time.time() * 1000)
        with self._lock:
            if now_ms - self._seen.get(push.openid, 0) < FRESH_MS:
                return
            if len(self._seen) >= SEEN_MAX:
                self._seen.clear()
            self._seen[push.openid] = now_ms
        if not self._background.run("tags", lambda: self.refresh(push.openid, now_ms)):
            self._forget(push.openid)

    def refresh(self, openid: str, now_ms: int) -> None:
        """Read the tags now, unless another node does. Raises nothing: the next push tries again."""
        try:
            before_ms = now_ms - FRESH_MS
            if not profiles.claim_tags(self._redis, self._api.appid, openid, before_ms, now_ms):
                return
            tags = self._tags_of(self._api.user_info(openid))
            profiles.put_tags(self._redis, self._api.appid, openid, tags, now_ms)
        except (WeChatFailure, SessionError) as error:
            self._forget(openid)
            log.info("tags_not_read", appid=self._api.appid, error_type=type(error).__name__)

    def _tags_of(self, info: Mapping[str, Any]) -> list[str]:
        ids = info.get("tagid_list")
        wanted = [i for i in ids if type(i) is int][:TAGS_MAX] if isinstance(ids, list) else []
        names = self._names_for(wanted)
        return [names[i] for i in wanted if names.get(i)]

    def _names_for(self, wanted: list[int]) -> Mapping[int, str]:
        """Return the names of tags by id, read again when they are old or an id is unknown."""
        stale = time.monotonic() >= self._names_until_s
        if wanted and (stale or any(i not in self._names for i in wanted)):
            self._names = self._api.tags()
            self._names_until_s = time.monotonic() + NAMES_FRESH_S
        return self._names

    def _forget(self, openid: str) -> None:
        with self._lock:
            self._seen.pop(openid, None)
