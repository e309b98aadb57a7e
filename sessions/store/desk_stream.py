"""The desk stream of one official account: what happened, for every node's desks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from sys import intern
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import redis

from sessions.messages import view
from sessions.model import Session
from sessions.store.clients import as_ms, ask_time
from sessions.store.connection import fields_of, link_to
from sessions.store.keys import Keys
from sessions.store.scripts import guarded

KEPT_MS = 5 * 60 * 1000
"""How far back a desk may resume by Last-Event-ID, ms."""

PAGE: Final = 500
"""Entries read at once."""

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})

_NAMED: Final = frozenset({"t", "k", "g", "sid", "m", "o"})


class Told(NamedTuple):
    """One entry of the stream.

    ``names`` are kf_accounts with commas between, ``group`` whose waiting list it concerns. The rest is read
    when it is asked for: most entries concern no desk of this node. In brief, session and ``raw`` are empty.
    """

    id: str
    type: str
    names: str
    group: str
    session_id: str
    raw: Mapping[str, str]

    @property
    def audience(self) -> frozenset[str]:
        return frozenset(name for name in self.names.split(",") if name)

    def brief(self) -> Told:
        """Return a copy without the payload: an eighth of the memory; ``entries`` reads it again."""
        return Told(self.id, self.type, self.names, self.group, "", NOTHING)

    @property
    def session(self) -> Session | None:
        """Return the conversation as it was then; only session.* entries have it."""
        return Session.from_hash(self.raw) if "state" in self.raw else None

    @property
    def message(self) -> Mapping[str, Any] | None:
        return view(self.raw["m"], self.raw.get("o")) if "m" in self.raw else None

    @property
    def values(self) -> dict[str, str]:
        """Return the other values of the entry."""
        return {name: value for name, value in self.raw.items() if name not in _NAMED}


class DeskStream:
    """Reads and trims the stream. ``blocking`` is a client without a read time-out, for ``tail`` only."""

    def __init__(self, client: redis.Redis, blocking: redis.Redis, appid: str) -> None:
        self._keys = Keys(appid)
        self._key = self._keys.of("desk")
        self._redis = client
        self._blocking = link_to(blocking)

    def tail(self, after: str, block_ms: int, count: int) -> list[Told]:
        """Return entries after the id, waiting ``block_ms`` for the first. Raises StoreDown."""
        command = ("XREAD", "COUNT", count, "BLOCK", block_ms, "STREAMS", self._key, after)
        rows = guarded(lambda: self._blocking.call(*command))
        return [_told(ident, fields_of(raw)) for _, entries in rows or [] for ident, raw in entries]

    def recent(self) -> Iterator[Told]:
        """Yield the entries of the last five minutes, page by page: a busy account has some 100,000."""
        seconds, _ = guarded(lambda: ask_time(self._redis, self._key))
        start = f"{seconds * 1000 - KEPT_MS}-0"
        while rows := self._page(start):
            yield from (_told(ident, raw) for ident, raw in rows)
            start = f"({rows[-1][0]}"

    def _page(self, start: str) -> list[Any]:
        rows: list[Any] = guarded(lambda: self._redis.xrange(self._key, start, count=PAGE))
        return rows

    def entries(self, idents: Sequence[str]) -> list[Told]:
        """Return those of the entries that still exist, in one round trip."""

        def read() -> list[Any]:
            pipe = self._redis.pipeline(transaction=False)
            for ident in idents:
                pipe.xrange(self._key, ident, ident)
            return pipe.execute()

        found = guarded(read) if idents else []
        return [_told(ident, raw) for rows in found for ident, raw in rows]

    def last_id(self) -> str:
        """Return the newest id, also where its entry is trimmed already."""
        if not guarded(lambda: self._redis.exists(self._key)):
            return "0-0"
        return str(guarded(lambda: self._redis.xinfo_stream(self._key))["last-generated-id"])

    def trim(self) -> None:
        """Drop entries that are older than any desk may ask for."""
        seconds, _ = guarded(lambda: ask_time(self._redis, self._key))
        oldest = seconds * 1000 - KEPT_MS
        guarded(lambda: self._redis.xtrim(self._key, minid=f"{oldest}-0", approximate=True))

    def tell(self, kind: str, audience: str, values: Mapping[str, Any]) -> None:
        """Write an entry that belongs to no transition (typing, viewers, a changed roster)."""
        entry: dict[Any, Any] = {"t": kind, "k": audience, "g": "", **values}
        guarded(lambda: self._redis.xadd(self._key, entry))

    def note_viewer(self, session_id: str, who: str, for_ms: int) -> bool:
        """Store that somebody views the conversation for so long, or (0) no longer.

        Returns whether that is new.
        """
        key = self._keys.of("viewers", session_id)

        def write() -> list[Any]:
            now_ms = self._now_ms()
            pipe = self._redis.pipeline()
            pipe.zremrangebyscore(key, "-inf", now_ms)
            if for_ms:
                pipe.zadd(key, {who: now_ms + for_ms})
                pipe.pexpire(key, for_ms)
            else:
                pipe.zrem(key, who)
            return pipe.execute()

        return bool(guarded(write)[1])

    def viewers(self, session_id: str) -> list[tuple[str, int]]:
        """Return (who, until ms) of those who view the conversation now."""
        key = self._keys.of("viewers", session_id)
        rows = guarded(
            lambda: self._redis.zrangebyscore(key, self._now_ms(), "+inf", withscores=True)
        )
        return [(who, int(until)) for who, until in rows]

    def _now_ms(self) -> int:
        return as_ms(self._redis.time())


def _told(ident: str, raw: Mapping[str, str]) -> Told:
    # Few different ones among many entries: one text for all that say the same.
    kind, names, group = intern(raw["t"]), intern(raw["k"]), intern(raw["g"])
    return Told(ident, kind, names, group, raw.get("sid", ""), raw)
