"""Remove one customer from Redis: their keys, their conversations' keys, their entries in shared ones.

It goes through the key table, so that a key added there later is covered.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any, Final

import redis

from sessions.model import Session
from sessions.store.keys import FORMATS, Keys
from sessions.store.scripts import guarded
from sessions.upkeep.compaction import rewrite_stream

SCAN_COUNT: Final = 1_000
IDENT: Final = "A-Za-z0-9_-"
"""What openids are made of: a name that only begins like this one is another customer."""

RESULTS: Final = ("duplicate", "operation")


class Eraser:
    """The Redis side of erasing customers of one official account. Raises StoreDown."""

    def __init__(self, client: redis.Redis, appid: str) -> None:
        self._redis = client
        self._keys = Keys(appid)

    def sessions_of(self, openid: str) -> set[str]:
        """Return the customer's conversations in Redis, open or closed."""
        customer = guarded(lambda: self._redis.hgetall(self._keys.of("customer", openid)))
        ids = {customer.get("open", ""), customer.get("last_session", "")} - {""}
        waiting = guarded(lambda: self._redis.zrange(self._keys.of("closed"), 0, -1))
        return ids | {sid for sid in waiting if self._session(sid).openid == openid}

    def erase(self, openid: str, session_ids: Collection[str]) -> Counter[str]:
        """Removes all of it; how many of each kind of key or entry went."""
        removed: Counter[str] = Counter()
        for name, suffix in FORMATS.items():
            if suffix.endswith(":"):
                for session_id in session_ids:
                    removed[name] += self._delete(self._keys.of(name, session_id))
            else:
                removed[name] += self._places(name, openid, session_ids)
        for key in self._named(openid):
            removed[self._kind(key)] += self._delete(key)
        for name in RESULTS:
            removed[name] += self._results(name, openid, session_ids)
        return +removed

    def _session(self, session_id: str) -> Session:
        raw = guarded(lambda: self._redis.hgetall(self._keys.of("session", session_id)))
        return Session.from_hash({"state": "CLOSED", "id": session_id, "openid": ""} | raw)

    def _named(self, openid: str) -> Iterator[str]:
        """Keys with the openid in their name."""
        whole = re.compile(rf"(?<![{IDENT}]){re.escape(openid)}(?![{IDENT}])")
        pattern = f"{self._keys.prefix}*{openid}*"
        for key in guarded(lambda: list(self._redis.scan_iter(pattern, SCAN_COUNT))):
            if whole.search(key):
                yield key

    def _results(self, name: str, openid: str, session_ids: Collection[str]) -> int:
        """Remove stored results that concern the customer; they would expire in ten minutes."""
        pattern, gone = self._keys.of(name, "*"), 0
        for key in guarded(lambda: list(self._redis.scan_iter(pattern, SCAN_COUNT))):
            text = self._text(key)
            if openid in text or _any_in(text, session_ids):
                gone += self._delete(key)
        return gone

    def _text(self, key: str) -> str:
        return guarded(lambda: self._redis.get(key)) or ""

    def _places(self, name: str, openid: str, session_ids: Collection[str]) -> int:
        """Remove the customer from a key that all customers share."""
        key = self._keys.of(name)
        kind = guarded(lambda: self._redis.type(key))
        if kind == "stream":
            return self._entries(key, openid, session_ids)
        scans = {"zset": "zscan_iter", "set": "sscan_iter", "hash": "hscan_iter"}
        drops = {"zset": "zrem", "set": "srem", "hash": "hdel"}
        if kind not in scans:
            return 0
        found = guarded(lambda: list(getattr(self._redis, scans[kind])(key, count=SCAN_COUNT)))
        members = [one if kind == "set" else one[0] for one in found]
        theirs = [m for m in members if _concerns(m, openid, session_ids)]
        return (
            int(guarded(lambda: getattr(self._redis, drops[kind])(key, *theirs))) if theirs else 0
        )

    def _entries(self, key: str, openid: str, session_ids: Collection[str]) -> int:
        """Remove the customer from the desk stream."""
        rows = guarded(lambda: self._redis.xrange(key))
        theirs = [ident for ident, values in rows if _told_of(values, openid, session_ids)]
        gone = int(guarded(lambda: self._redis.xdel(key, *theirs))) if theirs else 0
        rewrite_stream(self._redis, key)
        return gone

    def _delete(self, key: str) -> int:
        return int(guarded(lambda: self._redis.delete(key)))

    def _kind(self, key: str) -> str:
        rest = key.removeprefix(self._keys.prefix)
        fits = (n for n, s in FORMATS.items() if s.endswith(":") and rest.startswith(s))
        return next(fits, "other")


def _told_of(values: dict[str, Any], openid: str, session_ids: Collection[str]) -> bool:
    if values.get("sid") in session_ids or values.get("openid") == openid:
        return True
    return any(openid in text or _any_in(text, session_ids) for text in values.values())


def _any_in(text: str, session_ids: Collection[str]) -> bool:
    return any(session_id in text for session_id in session_ids)


def _concerns(member: str, openid: str, session_ids: Collection[str]) -> bool:
    """The openid itself, a conversation, or "<conversation>:…" and "<conversation>.…"."""
    return member == openid or re.split(r"[:.|]", member, maxsplit=1)[0] in session_ids
