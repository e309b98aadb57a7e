"""Holds every place a conversation is noted in against the conversation itself, and puts it right.

The conversation's hash is the truth; seats, groups, queues, timers, open pointers and lists follow from it.
Reading a live account is no moment in time: what is found is looked at again and counts only if it stayed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sessions.deadlines import Deadlines, armed, queue_score
from sessions.machine import HOLDINGS, Timer, held_seats
from sessions.model import Session
from sessions.slices import slices
from sessions.store.keys import FORMATS, Keys, split_timer, timer_member
from sessions.store.scripts import Scripts, guarded

Command = tuple[str, ...]
"""A Redis command: its name, the key's name in the key table, the key's ident, its arguments."""

Place = tuple[str, str]
"""The name of a key and its ident, both as in the key table."""

PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that does not agree; ``version`` "" = there is no such conversation."""

    what: str
    session_id: str
    version: str
    mend: Command


class Invariants:
    """The check of one official account. Raises StoreDown, StoreRefused."""

    def __init__(
        self, scripts: Scripts, appid: str, deadlines: Deadlines, priority_credit_ms: int
    ) -> None:
        self.keys = Keys(appid)
        self._scripts = scripts
        self._redis = scripts.client
        self._deadlines = deadlines
        self._priority_credit_ms = priority_credit_ms

    def problems(self) -> list[Finding]:
        """What disagreed twice in a row: nothing that was merely under way."""
        first = set(self._look())
        return sorted((f for f in self._look() if f in first), key=lambda f: (f.what, f.session_id))

    def repair(self, findings: Sequence[Finding]) -> int:
        """Puts right what is still as it was found; how many. Every step is atomic and may be repeated."""
        done = 0
        for finding in findings:
            name, key, ident, *arguments = finding.mend
            command = json.dumps([name, self.keys.of(key, ident), *arguments])
            args = (finding.session_id, finding.version, command)
            done += self._scripts.run("mend", self.keys.prefix, *args) == "ok"
        return done

    def _look(self) -> Iterator[Finding]:
        sessions = {s.id: s for s in self._sessions()}
        wanted = self._wanted(sessions.values())
        for what, place in sorted(wanted.keys() | self._places()):
            should, members = wanted.get((what, place), {}), self._members(what, place)
            for member in members - should.keys():
                sid = _session_of(what, member)
                version = str(sessions[sid].version) if sid in sessions else ""
                surplus: Command = (_COMMANDS[what].remove, what, place, member)
                yield Finding(f"{what} {place}: too many", sid, version, surplus)
            for member in should.keys() - members - _optional(what, should):
                sid = _session_of(what, member)
                add: Command = (_COMMANDS[what].add, what, place, *should[member], member)
                yield Finding(f"{what} {place}: missing", sid, str(sessions[sid].version), add)
        yield from self._pointers(sessions)

    def _wanted(self, sessions: Iterable[Session]) -> dict[Place, dict[str, tuple[str, ...]]]:
        """Members of every place that holds somebody, with the score where there is one."""
        found: dict[Place, dict[str, tuple[str, ...]]] = defaultdict(dict)
        for s in sessions:
            holds = HOLDINGS[s.state]
            for name in held_seats(s):
                found["seats", name][s.id] = ()
            if holds.owner_seat:
                found["seated", s.group][s.id] = ()
            if holds.queue_place:
                credit = self._priority_credit_ms
                score = queue_score(s, at_head=False, priority_credit_ms=credit)
                found["queue", s.group][s.id] = (str(score),)
            for timer, due_ms in armed(s, self._deadlines).items():
                found["timers", ""][timer_member(s.id, timer.value)] = (str(due_ms),)
            place, since_ms = ("live", s.created_ms) if s.is_open else ("closed", s.closed_ms)
            found[place, ""][s.id] = (str(since_ms),)
        return found

    def _places(self) -> set[Place]:
        """Every place that exists."""
        found = {(what, name) for what in ("seats", "seated") for name in self._idents(what)}
        queues = guarded(lambda: self._redis.smembers(self.keys.of("queues")))
        found |= {("queue", name) for name in queues}
        return found | {(what, "") for what in ("timers", "live", "closed")}

    def _pointers(self, sessions: dict[str, Session]) -> Iterator[Finding]:
        pointers = self._open_pointers()
        wanted = {s.openid: s for s in sessions.values() if s.is_open}
        for openid, sid in pointers.items():
            if openid not in wanted or wanted[openid].id != sid:
                known = sessions.get(sid)
                version = str(known.version) if known else ""
                drop: Command = ("HDEL", "customer", openid, "open")
                yield Finding("open pointer to a closed conversation", sid, version, drop)
        for openid, s in wanted.items():
            if openid not in pointers:
                point: Command = ("HSET", "customer", openid, "open", s.id)
                yield Finding("open pointer missing", s.id, str(s.version), point)

    def _open_pointers(self) -> dict[str, str]:
        openids = sorted(self._idents("customer"))
        found: dict[str, str] = {}
        for part in slices(openids, PAGE):
            keys = [self.keys.of("customer", openid) for openid in part]
            for openid, sid in zip(part, self._each("hget", keys, "open"), strict=True):
                if sid:
                    found[openid] = sid
        return found

    def _sessions(self) -> Iterator[Session]:
        ids = sorted(self._idents("session"))
        for part in slices(ids, PAGE):
            keys = [self.keys.of("session", sid) for sid in part]
            yield from (Session.from_hash(raw) for raw in self._each("hgetall", keys) if raw)

    def _idents(self, name: str) -> set[str]:
        """What stands behind a key's name, over all keys of that name."""
        prefix = self.keys.prefix + FORMATS[name]
        pattern = _escaped(prefix) + "*"
        found = guarded(lambda: list(self._redis.scan_iter(pattern, count=1000)))
        return {key.removeprefix(prefix) for key in found}

    def _members(self, what: str, place: str) -> set[str]:
        key = self.keys.of(what, place)
        if _COMMANDS[what] is _SET:
            return set(guarded(lambda: self._redis.smembers(key)))
        return set(guarded(lambda: self._redis.zrange(key, 0, -1)))

    def _each(self, command: str, keys: Sequence[str], *args: str) -> list[Any]:
        def fetch() -> list[Any]:
            pipe = self._redis.pipeline(transaction=False)
            for key in keys:
                getattr(pipe, command)(key, *args)
            return pipe.execute()

        return list(guarded(fetch))


@dataclass(frozen=True, slots=True)
class _Commands:
    add: str
    remove: str


_SET: Final = _Commands("SADD", "SREM")
_SORTED: Final = _Commands("ZADD", "ZREM")
_COMMANDS: Final = {"seats": _SET, "seated": _SET} | dict.fromkeys(
    ("queue", "timers", "live", "closed"), _SORTED
)
_MAY_BE_DONE: Final = (Timer.REPLY, Timer.LIMIT)
"""Timers that have nothing more to say at some point and are dropped then."""


def _optional(what: str, should: Iterable[str]) -> set[str]:
    done = {t.value for t in _MAY_BE_DONE}
    return {m for m in should if split_timer(m)[1] in done} if what == "timers" else set()


def _session_of(what: str, member: str) -> str:
    return split_timer(member)[0] if what == "timers" else member


def _escaped(prefix: str) -> str:
    """For SCAN: an appid may hold what a pattern reads otherwise."""
    return "".join(f"\\{c}" if c in "*?[]\\" else c for c in prefix)
