"""Lists of conversations and messages: one round trip for each step, none for each row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sessions.deadlines import URGENT_CREDIT_MS
from sessions.machine import HOLDINGS
from sessions.messages import view
from sessions.model import Customer, Session
from sessions.store.clients import as_ms, time_of
from sessions.store.connection import fields_of
from sessions.store.conversations import customer_from_hash
from sessions.store.keys import Keys
from sessions.store.scripts import Scripts, guarded


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation with what its list shows: customer, place in the queue (0 = none), Redis time."""

    session: Session
    customer: Customer
    queue_position: int
    now_ms: int


class Queries:
    """Read access to the conversations of one official account."""

    def __init__(self, scripts: Scripts, appid: str) -> None:
        self.keys = Keys(appid)
        self._redis = scripts.client
        self._link = scripts.link
        self._rule = scripts.rule

    def rows(self, session_ids: Iterable[str]) -> list[Row]:
        """Return the conversations still in Redis among the ids, in that order, in two round trips."""
        sessions = self.sessions(session_ids)
        if not sessions:
            return []

        key, waiting = self.keys.of, [s for s in sessions if HOLDINGS[s.state].queue_place]
        time, *found = self._many(
            [
                time_of(key("queues")),
                *(("HGETALL", key("customer", s.openid)) for s in sessions),
                *(("ZRANK", key("queue", s.group), s.id) for s in waiting),
            ]
        )
        now_ms = as_ms(time)
        raws, ranks = found[: len(sessions)], found[len(sessions) :]
        places = {s.id: _place(rank) for s, rank in zip(waiting, ranks, strict=True)}

        def customer(openid: str, raw: Any) -> Customer:
            return customer_from_hash(openid, fields_of(raw), now_ms, self._rule)

        return [
            Row(s, customer(s.openid, raw), places.get(s.id, 0), now_ms)
            for s, raw in zip(sessions, raws, strict=True)
        ]

    def sessions_now(self, session_ids: Iterable[str]) -> tuple[list[Session], int]:
        """Return the conversations still in Redis among the ids, in that order, and Redis time, ms."""
        hashes = (("HGETALL", self.keys.of("session", sid)) for sid in session_ids)
        time, *found = self._many([time_of(self.keys.of("queues")), *hashes])
        now_ms = as_ms(time)
        raws = map(fields_of, found)
        return [Session.from_hash(raw) for raw in raws if raw.get("state")], now_ms

    def sessions(self, session_ids: Iterable[str]) -> list[Session]:
        ids = list(session_ids)
        found = map(fields_of, self._each("HGETALL", "session", ids))
        return [Session.from_hash(raw) for raw in found if raw.get("state")]

    def mine(self, kf_account: str) -> list[str]:
        ids = guarded(lambda: self._redis.smembers(self.keys.of("seats", kf_account)))
        return sorted(ids)

    def waiting(self, groups: Iterable[str], limit: int) -> list[str]:
        """Return the ids of waiting conversations, each group in its order, ``limit`` of each."""
        ranges = self._each("ZRANGE", "queue", list(groups), 0, limit - 1)
        return [sid for ids in ranges for sid in ids]

    def queued_before(self, group: str, latest_ms: int, limit: int) -> list[str]:
        """Return the ids in the group's queue with an effective time before ``latest_ms``, earliest first.

        Those who were put before all others already are left out.
        """
        key, first = self.keys.of("queue", group), 1000 * (latest_ms - URGENT_CREDIT_MS // 2)
        return list(
            guarded(lambda: self._redis.zrangebyscore(key, first, 1000 * latest_ms, 0, limit))
        )

    def queue_lengths(self) -> dict[str, int]:
        """Return the number of waiting conversations by group (groups that ever had a queue)."""
        names = sorted(guarded(lambda: self._redis.smembers(self.keys.of("queues"))))
        return dict(zip(names, self._each("ZCARD", "queue", names), strict=True))

    def live(self, offset: int, limit: int) -> list[str]:
        """Return ids of open conversations, the newest first."""
        key = self.keys.of("live")
        return list(guarded(lambda: self._redis.zrevrange(key, offset, offset + limit - 1)))

    def live_count(self) -> int:
        return int(guarded(lambda: self._redis.zcard(self.keys.of("live"))))

    def closed(self, limit: int, offset: int = 0) -> list[str]:
        """Return ids of closed conversations that are not in SQL yet, the oldest first."""
        key, last = self.keys.of("closed"), offset + limit - 1
        return list(guarded(lambda: self._redis.zrange(key, offset, last)))

    def due_timers(self, now_ms: int, limit: int, offset: int = 0) -> list[str]:
        """Return members of due timers, the longest overdue first."""
        key = self.keys.of("timers")
        return list(guarded(lambda: self._redis.zrangebyscore(key, "-inf", now_ms, offset, limit)))

    def media_jobs(self, now_ms: int, limit: int) -> list[str]:
        key = self.keys.of("media_jobs")
        return list(guarded(lambda: self._redis.zrangebyscore(key, "-inf", now_ms, 0, limit)))

    def dead_letters(self, limit: int, offset: int = 0) -> list[tuple[str, int]]:
        """Return (message id, since ms) of dead letters, the newest first."""
        key, last = self.keys.of("dead"), offset + limit - 1
        rows = guarded(lambda: self._redis.zrevrange(key, offset, last, withscores=True))
        return [(ident, int(ms)) for ident, ms in rows]

    def messages(self, session_id: str, after: int, limit: int) -> list[dict[str, Any]]:
        """Return messages with seq above ``after``, in order, as the contract shows them."""

        def fetch() -> list[Any]:
            pipe = self._redis.pipeline(transaction=False)
            pipe.lrange(self.keys.of("messages", session_id), after, after + limit - 1)
            fields = [str(seq) for seq in range(after + 1, after + limit + 1)]
            pipe.hmget(self.keys.of("overlay", session_id), fields)
            return pipe.execute()

        raws, overlays = guarded(fetch)
        return [view(raw, overlay) for raw, overlay in zip(raws, overlays, strict=False)]

    def contents(
        self, session_ids: Sequence[str], limit: int
    ) -> list[tuple[list[dict[str, Any]], str | None]]:
        """Return the first messages and the explanation card of each conversation, in one round trip."""
        asked = list[tuple[Any, ...]]()
        for sid in session_ids:
            asked.append(("LRANGE", self.keys.of("messages", sid), 0, limit - 1))
            asked.append(("HGETALL", self.keys.of("overlay", sid)))
            asked.append(("GET", self.keys.of("card", sid)))
        found = self._many(asked)
        overlays = map(fields_of, found[1::3])
        return [
            ([view(raw, overlay.get(str(at))) for at, raw in enumerate(raws, 1)], card)
            for raws, overlay, card in zip(found[::3], overlays, found[2::3], strict=True)
        ]

    def message(self, session_id: str, seq: int) -> dict[str, Any] | None:
        found = self.messages(session_id, seq - 1, 1) if seq > 0 else []
        return found[0] if found else None

    def rated(self, limit: int) -> dict[str, str]:
        """Return some of the ratings (JSON by session id) that are not in SQL yet."""
        key = self.keys.of("rated")
        _, found = guarded(lambda: self._redis.hscan(key, 0, count=limit))
        return dict(found)

    def card(self, session_id: str) -> str | None:
        """Return the explanation of the last decision, JSON text."""
        key = self.keys.of("card", session_id)
        card: str | None = guarded(lambda: self._redis.get(key))
        return card

    def _each(self, command: str, name: str, idents: Sequence[str], *args: Any) -> list[Any]:
        """Run one command on the key of each ident, in one round trip."""
        return self._many([(command, self.keys.of(name, ident), *args) for ident in idents])

    def _many(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        def fetch() -> list[Any]:
            answers = self._link.many(commands)
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
            return answers

        return guarded(fetch) if commands else []


def _place(rank: int | None) -> int:
    return 0 if rank is None else rank + 1
