"""Conversations of one official account in Redis: every write is one script, every script one step."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from sessions.change import Change, document
from sessions.deadlines import Deadlines, urgent_score
from sessions.entry import Entry, source_of
from sessions.idents import fresh_ident
from sessions.machine import Timer
from sessions.messages import compact, inbound_body, preview
from sessions.model import (
    CloseReason,
    Conflict,
    Customer,
    Inbound,
    NotFound,
    Outcome,
    Session,
    State,
)
from sessions.store.clients import as_ms, ask_time
from sessions.store.customers import customer_from_hash
from sessions.store.keys import timer_member
from sessions.store.messages import MessageStore
from sessions.store.scripts import Scripts, guarded
from sessions.store.steps import (
    Loaded,
    Newcomer,
    NoRoom,
    Opening,
    Replied,
    ReplyRefused,
    outcome_of,
)

__all__ = [
    "Loaded",
    "Newcomer",
    "NoRoom",
    "Opening",
    "Replied",
    "ReplyRefused",
    "SessionStore",
    "customer_from_hash",
    "new_session_id",
]

DRAIN_LIMIT: Final = 50
"""Conversations seated by one call, so that a script stays short; callers repeat."""


class SessionStore(MessageStore):
    """All conversations of one official account. Raises StoreDown, StoreRefused, NotFound, Conflict."""

    def __init__(
        self, scripts: Scripts, appid: str, deadlines: Deadlines, priority_credit_ms: int
    ) -> None:
        super().__init__(scripts, appid)
        self.deadlines = deadlines
        self._priority_credit_ms = priority_credit_ms
        self._rule = scripts.rule

    def receive(
        self, push: Inbound, entry: Entry, ask: str = "", seats: Mapping[str, int] | None = None
    ) -> Outcome | Newcomer:
        """Store a push in one round trip: a duplicate, a message of an open conversation, or a mere event.

        ``ask`` "place" or "cancel" is what the push means while its customer waits; ``seats`` by group give
        the expected wait.
        """
        answer = self._run(
            "receive",
            push.dedup_key,
            push.openid,
            inbound_body(push),
            preview(push),
            push.type,
            *(_flag(f) for f in (entry.appends, entry.touches, entry.opens, entry.media)),
            entry.trigger.value if entry.trigger else "",
            entry.limit,
            entry.window_ms,
            entry.notice,
            entry.subscribed,
            source_of(push),
            entry.text,
            ask,
            State.WAITING.value,
            compact(dict(seats)) if seats else "{}",
            self.deadlines.reply_ms,
            push.created_s,
        )
        if answer[0] == "new":
            raw, now_ms = dict(zip(answer[2::2], answer[3::2], strict=True)), int(answer[1])
            return Newcomer(customer_from_hash(push.openid, raw, now_ms, self._rule), now_ms)
        return outcome_of(answer)

    def open(self, push: Inbound, entry: Entry, opening: Opening) -> Outcome:
        """Open the conversation, or append if another node opened it concurrently."""
        request = {
            **asdict(opening),
            "sid": new_session_id(),
            "body": inbound_body(push),
            "preview": preview(push),
            "kind": push.type,
            "media": _flag(entry.media),
            "trigger": entry.trigger.value if entry.trigger else "message",
            "limit": entry.limit,
            "window_ms": entry.window_ms,
            "serving_timers": dict(self.deadlines.serving()),
            "wait_ms": self.deadlines.wait_ms,
            "states": _ARRIVAL_STATES,
            "full_reason": CloseReason.QUEUE_FULL.value,
            "source": source_of(push),
            "says": entry.subscribed,
            "created_s": push.created_s,
        }
        return outcome_of(self._run("open", push.dedup_key, push.openid, compact(request)))

    def settle_outcome(self, push: Inbound, outcome: Outcome) -> None:
        """Replace the stored outcome of a push; a later delivery gets it."""
        key, told = self.keys.of("duplicate", push.dedup_key), asdict(outcome)
        del told["repeated"]
        guarded(lambda: self._redis.set(key, compact(told), xx=True, keepttl=True))

    def bring_forward(self, session: Session) -> bool:
        """Move a customer whose reply window is about to end before all but those who lost their agent."""
        key = self.keys.of("queue", session.group)
        place = {session.id: urgent_score(session, self._priority_credit_ms)}
        return bool(guarded(lambda: self._redis.zadd(key, place, xx=True, lt=True, ch=True)))

    def load(self, session_id: str) -> Loaded:
        """Return the conversation and its customer. Raises NotFound (it may be in SQL)."""
        raw = guarded(lambda: self._redis.hgetall(self.keys.of("session", session_id)))
        if not raw:
            raise NotFound(session_id)
        session = Session.from_hash(raw)
        customer, now_ms = self.customer(session.openid)
        return Loaded(session, customer, now_ms)

    def customer(self, openid: str) -> tuple[Customer, int]:
        """Return what is stored of a customer (empty for an unknown one), and Redis time, ms."""

        def read() -> list[Any]:
            pipe = self._redis.pipeline(transaction=False)
            pipe.hgetall(self.keys.of("customer", openid))
            ask_time(pipe, self.keys.of("customer", openid))
            return pipe.execute()

        raw, time = guarded(read)
        now_ms = as_ms(time)
        return customer_from_hash(openid, raw, now_ms, self._rule), now_ms

    def now_ms(self) -> int:
        """Return the time of the Redis server that holds the account's keys, ms."""
        return as_ms(guarded(lambda: ask_time(self._redis, self.keys.of("queues"))))

    def commit(self, change: Change, operation: str = "") -> None:
        """Commit one transition, whole. Raises Conflict (load and decide again), NoRoom, NotFound."""
        operation = operation or change.operation or fresh_ident()
        result = self._run("commit", operation, change.before.id, self._document(change))
        if result == "gone":
            raise NotFound(change.before.id)
        if result == "full":
            raise NoRoom(change.after.kf_account)
        if result != "ok":
            raise Conflict(change.before.id)

    def commit_all(self, changes: Sequence[Change]) -> list[bool]:
        """Commit changes of different conversations in one round trip, each whole and by itself.

        Returns for each whether it was committed. Raises StoreDown, StoreRefused.
        """
        calls = [
            (change.operation or fresh_ident(), change.before.id, self._document(change))
            for change in changes
        ]
        results = self._scripts.run_many("commit", self.keys.prefix, calls)
        return [result == "ok" for result in results]

    def _document(self, change: Change) -> str:
        return compact(document(change, self.deadlines, self._priority_credit_ms))

    def drain(self, kf_account: str, groups: Sequence[str], limit: int = DRAIN_LIMIT) -> list[str]:
        """Seat waiting customers of ``groups`` at the agent while they have free seats.

        Returns session ids.
        """
        request = {
            "groups": list(groups),
            "serving": State.SERVING.value,
            "serving_timers": dict(self.deadlines.serving()),
            "limit": limit,
        }
        seated: list[str] = json.loads(
            self._run("drain", fresh_ident(), kf_account, compact(request))
        )
        return seated

    def settle_timer(
        self, session_id: str, timer: Timer, seen_ms: int, later_ms: int | None
    ) -> None:
        """Let a timer that was due at ``seen_ms`` and led to no transition fire at ``later_ms``, or never."""
        member = timer_member(session_id, timer.value)
        self._run("settle_timer", member, seen_ms, "" if later_ms is None else later_ms)

    def settle_timers(
        self, later_ms: Mapping[tuple[str, Timer], int | None], seen_ms: int
    ) -> set[tuple[str, Timer]]:
        """Do the same for many timers in one round trip. Returns those that the store did not refuse."""
        calls = [
            (timer_member(sid, timer.value), seen_ms, "" if ms is None else ms)
            for (sid, timer), ms in later_ms.items()
        ]
        results = self._scripts.run_many("settle_timer", self.keys.prefix, calls)
        return {key for key, result in zip(later_ms, results, strict=True) if result is not None}

    def forget_all(self, revs: Mapping[str, int]) -> set[str]:
        """Drop closed conversations (id → rev) that are in SQL. Returns the ids of those that are gone.

        One that has changed since, or has a pending message, stays.
        """
        results = self._scripts.run_many("forget", self.keys.prefix, list(revs.items()))
        return {sid for sid, result in zip(revs, results, strict=True) if result == "ok"}

    def stop_endless_script(self) -> None:
        """End a script that runs for ever, where that loses no write."""
        self._scripts.stop_endless()


_ARRIVAL_STATES = {
    "seated": State.SERVING.value,
    "queued": State.WAITING.value,
    "full": State.CLOSED.value,
}


def new_session_id() -> str:
    """Return 96 random bits, without order or node, so that nothing can collide or be guessed."""
    return secrets.token_hex(12)


def _flag(value: bool) -> str:
    return "1" if value else "0"
