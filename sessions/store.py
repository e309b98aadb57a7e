"""Conversations of one official account in Redis: every write is one script, every script one step."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Final

from sessions.change import Change, document
from sessions.clients import ask_time
from sessions.deadlines import Deadlines, urgent_score
from sessions.entry import Entry, source_of
from sessions.keys import Keys, timer_member
from sessions.machine import Timer
from sessions.messages import (
    Line,
    Outgoing,
    content_hash,
    inbound_body,
    notice_body,
    preview,
    system_body,
)
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
from sessions.profiles import customer_from_hash
from sessions.scripts import Scripts, guarded
from sessions.steps import Loaded, Newcomer, NoRoom, Opening, Replied, ReplyRefused
from sessions.survey import WINDOW_MS, Answer

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

REPLY_STATES: Final = f",{State.SERVING},{State.TRANSFERING},"
RESENDABLE: Final = ",failed,unknown,"
DRAIN_LIMIT: Final = 50
"""Conversations seated by one call, so that a script stays short; callers repeat."""


class SessionStore:
    """All conversations of one official account. Raises StoreDown, StoreRefused, NotFound, Conflict."""

    def __init__(
        self, scripts: Scripts, appid: str, deadlines: Deadlines, priority_credit_ms: int
    ) -> None:
        self.keys = Keys(appid)
        self.appid = appid
        self.deadlines = deadlines
        self._scripts = scripts
        self._redis = scripts.client
        self._priority_credit_ms = priority_credit_ms

    def receive(
        self, push: Inbound, entry: Entry, ask: str = "", seats: Mapping[str, int] | None = None
    ) -> Outcome | Newcomer:
        """The hot path: one round trip for a duplicate, an open conversation or a mere event.

        ``ask`` "place" or "cancel" is what the push means while its customer waits; ``seats`` by group are
        what the expected wait is made of.
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
            _json(dict(seats)) if seats else "{}",
        )
        if answer[0] == "new":
            raw = dict(zip(answer[2::2], answer[3::2], strict=True))
            return Newcomer(customer_from_hash(push.openid, raw), int(answer[1]))
        return _outcome(answer)

    def open(self, push: Inbound, entry: Entry, opening: Opening) -> Outcome:
        """Opens the conversation, or appends if another node opened it meanwhile."""
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
        }
        return _outcome(self._run("open", push.dedup_key, push.openid, _json(request)))

    def settle_outcome(self, push: Inbound, outcome: Outcome) -> None:
        """What a push led to after all; a later delivery of it gets this."""
        key, told = self.keys.of("duplicate", push.dedup_key), asdict(outcome)
        del told["repeated"]
        guarded(lambda: self._redis.set(key, _json(told), xx=True, keepttl=True))

    def bring_forward(self, session: Session) -> bool:
        """One whose reply window is about to end goes before all but those who lost their agent."""
        key = self.keys.of("queue", session.group)
        place = {session.id: urgent_score(session, self._priority_credit_ms)}
        return bool(guarded(lambda: self._redis.zadd(key, place, xx=True, lt=True, ch=True)))

    def load(self, session_id: str) -> Loaded:
        """The conversation and its customer. Raises NotFound (it may stand in SQL)."""
        raw = guarded(lambda: self._redis.hgetall(self.keys.of("session", session_id)))
        if not raw:
            raise NotFound(session_id)
        session = Session.from_hash(raw)
        customer, now_ms = self.customer(session.openid)
        return Loaded(session, customer, now_ms)

    def customer(self, openid: str) -> tuple[Customer, int]:
        """What is kept of a customer (empty for an unknown one), and Redis time, ms."""

        def read() -> list[Any]:
            pipe = self._redis.pipeline(transaction=False)
            pipe.hgetall(self.keys.of("customer", openid))
            ask_time(pipe, self.keys.of("customer", openid))
            return pipe.execute()

        raw, time = guarded(read)
        return customer_from_hash(openid, raw), time[0] * 1000 + time[1] // 1000

    def commit(self, change: Change, operation: str = "") -> None:
        """One transition, whole. Raises Conflict (load and decide again), NoRoom, NotFound."""
        doc = document(change, self.deadlines, self._priority_credit_ms)
        operation = operation or change.operation or secrets.token_hex(8)
        result = self._run("commit", operation, change.before.id, _json(doc))
        if result == "gone":
            raise NotFound(change.before.id)
        if result == "full":
            raise NoRoom(", ".join(doc["take"]))
        if result != "ok":
            raise Conflict(change.before.id)

    def drain(self, kf_account: str, groups: Sequence[str]) -> list[str]:
        """Seats waiting customers of ``groups`` at the agent while he has room; their session ids."""
        request = {
            "groups": list(groups),
            "serving": State.SERVING.value,
            "serving_timers": dict(self.deadlines.serving()),
            "limit": DRAIN_LIMIT,
        }
        seated: list[str] = json.loads(
            self._run("drain", secrets.token_hex(8), kf_account, _json(request))
        )
        return seated

    def reply(
        self, session_id: str, kf_account: str, message: Outgoing, body: str, epoch: int | None
    ) -> Replied:
        """An agent's message into the outbox. Raises NotFound or ReplyRefused."""
        result = self._run(
            "reply",
            session_id,
            message.client_id,
            content_hash(message),
            kf_account,
            "" if epoch is None else epoch,
            body,
            message.text[:60],
            message.type,
            REPLY_STATES,
        )
        if result[0] == "gone":
            raise NotFound(session_id)
        if result[0] not in ("ok", "repeat"):
            raise ReplyRefused(result[0])
        return Replied(int(result[1]), result[0] == "repeat")

    def resend(self, session_id: str, seq: int, kf_account: str, overlay: str, op: str) -> None:
        """A failed or unknown message once more. Raises NotFound or ReplyRefused."""
        result = self._run(
            "resend", op, session_id, seq, kf_account, REPLY_STATES, overlay, RESENDABLE
        )
        if result == "gone":
            raise NotFound(session_id)
        if result != "ok":
            raise ReplyRefused(result)

    def say(self, session_id: str, line: Line | str, op: str, needs: int = 0) -> int | None:
        """A line for the desk, or (``needs`` > 0) an automatic message to the customer, told once per ``op``.

        Its seq; None where fewer than ``needs`` replies are left, which a system line then says. Raises
        NotFound, and ReplyRefused("closed") for a line in a closed conversation.
        """
        text = line if isinstance(line, str) else ""
        body = notice_body(text) if isinstance(line, str) else system_body(line)
        unsent = system_body(Line("notice_not_sent", {"text": text})) if text else ""
        result = self._run("say", op, session_id, body, needs or "", unsent)
        if result == "gone":
            raise NotFound(session_id)
        if result == "closed":
            raise ReplyRefused("closed")
        return None if result == "unsent" else int(result)

    def spend(self, openid: str, op: str, needs: int) -> bool:
        """Pays for a message outside any conversation; False if too few are left or ``op`` is known."""
        return bool(self._run("spend", op, openid, needs) == "ok")

    def amend(self, session_id: str, seq: int, overlay: Mapping[str, Any], op: str) -> None:
        """Records what became known of a stored message."""
        self._run("amend", op, session_id, seq, _json(overlay))

    def postpone_media(self, member: str, due_ms: int) -> None:
        """A file that could not be fetched now is tried again later, while its job is there."""
        key = self.keys.of("media_jobs")
        guarded(lambda: self._redis.zadd(key, {member: due_ms}, xx=True))

    def settle_timer(
        self, session_id: str, timer: Timer, seen_ms: int, later_ms: int | None
    ) -> None:
        """A timer due at ``seen_ms`` led to no transition: rings again at ``later_ms``, or never."""
        member = timer_member(session_id, timer.value)
        self._run("settle_timer", member, seen_ms, "" if later_ms is None else later_ms)

    def rate(self, push: Inbound, entry: Entry, answer: Answer, thanks: str) -> Outcome | None:
        """A survey's answer, kept once; None for a typed number that answers no survey."""
        trigger = entry.trigger.value if entry.trigger else "message"
        told = self._run(
            "rate",
            push.dedup_key,
            push.openid,
            answer.tag,
            answer.score,
            WINDOW_MS,
            _json({"result": "rated", "text": thanks}),
            _json({"result": "noted"}),
            trigger,
            entry.limit,
            entry.window_ms,
        )
        return None if told[0] == "none" else _outcome(told)

    def rating_kept(self, session_id: str) -> None:
        """SQL has it."""
        guarded(lambda: self._redis.hdel(self.keys.of("rated"), session_id))

    def mark_read(self, session_id: str, kf_account: str) -> None:
        """Raises NotFound or ReplyRefused("not_owner")."""
        result = self._run("mark_read", session_id, kf_account)
        if result == "gone":
            raise NotFound(session_id)
        if result != "ok":
            raise ReplyRefused(result)

    def forget(self, session_id: str, rev: int) -> str:
        """Drops a closed conversation that is in SQL: "ok", "changed" or "busy"."""
        return str(self._run("forget", session_id, rev))

    def stop_endless_script(self) -> None:
        """Frees a Redis that answers BUSY, where that can be done without losing a write."""
        self._scripts.stop_endless()

    def _run(self, name: str, *args: str | int | float) -> Any:
        return self._scripts.run(name, self.keys.prefix, *args)


_ARRIVAL_STATES = {
    "seated": State.SERVING.value,
    "queued": State.WAITING.value,
    "full": State.CLOSED.value,
}

_OUTCOME_FIELDS = frozenset(f.name for f in fields(Outcome))


def _outcome(answer: Sequence[str]) -> Outcome:
    stored = json.loads(answer[1])
    if not stored.keys() <= _OUTCOME_FIELDS:  # written by a newer node
        stored = {name: value for name, value in stored.items() if name in _OUTCOME_FIELDS}
    return Outcome(**stored, repeated=answer[0] == "repeat")


def new_session_id() -> str:
    """96 random bits: no order and no node in it, so nothing can collide or be guessed."""
    return secrets.token_hex(12)


def _flag(value: bool) -> str:
    return "1" if value else "0"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
