"""Agents for the hot path: a mirror of SQL (seats, groups, enabled), their status, and leases."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sessions.seats import Crowd, Rating, Seat, Status, seat_of
from sessions.store.clients import as_ms, ask_time
from sessions.store.keys import Keys
from sessions.store.scripts import Scripts, guarded


class AgentStore:
    """Agents of one official account in Redis."""

    def __init__(self, scripts: Scripts, appid: str) -> None:
        self.keys = Keys(appid)
        self._scripts = scripts
        self._redis = scripts.client

    def put(
        self,
        kf_account: str,
        nickname: str,
        seats: int,
        groups: Sequence[str],
        platform: str = "local",
        ramp_ms: int = 0,
    ) -> None:
        """Mirror an agent that may serve; their status is unchanged (offline at first)."""
        key = self.keys.of("agent", kf_account)
        values: dict[Any, Any] = {"seats": seats, "groups": ",".join(groups), "enabled": 1}
        values |= {"nickname": nickname, "platform": platform, "ramp_ms": ramp_ms}

        def write() -> None:
            pipe = self._redis.pipeline()
            pipe.hset(key, mapping=values)
            pipe.hsetnx(key, "status", Status.OFFLINE.value)
            pipe.sadd(self.keys.of("agents"), kf_account)
            pipe.execute()

        guarded(write)
        self._mark(kf_account)

    def disable(self, kf_account: str) -> None:
        """Give the agent no more conversations; the caller re-routes those that they hold."""
        self.set_status(kf_account, Status.OFFLINE, refuse_while_holding=False)
        guarded(lambda: self._redis.hset(self.keys.of("agent", kf_account), "enabled", 0))
        self._mark(kf_account)

    def remove(self, kf_account: str) -> None:
        """Remove an agent who holds nothing any more."""

        def write() -> None:
            pipe = self._redis.pipeline()
            pipe.delete(self.keys.of("agent", kf_account))
            pipe.srem(self.keys.of("agents"), kf_account)
            pipe.execute()

        guarded(write)
        self._mark(kf_account)

    def changed_since(self, mark: int) -> tuple[int, list[str]]:
        """Return the mark of the last change (0 = none yet), and the agents that changed after ``mark``."""
        key = self.keys.of("changes")
        rows = guarded(
            lambda: self._redis.zrange(key, f"({mark}", "+inf", byscore=True, withscores=True)
        )
        return int(rows[-1][1]) if rows else mark, [name for name, _ in rows]

    def all(self) -> list[Seat]:
        """Return every mirrored agent, in two round trips whatever their number."""
        names = guarded(lambda: self._redis.smembers(self.keys.of("agents")))
        return self.read(sorted(names))

    def read(self, kf_accounts: Iterable[str]) -> list[Seat]:
        """Return the mirrored agents among ``kf_accounts``, in that order."""
        names = list(kf_accounts)

        def fetch() -> list[dict[str, str]]:
            pipe = self._redis.pipeline(transaction=False)
            for name in names:
                pipe.hgetall(self.keys.of("agent", name))
            return pipe.execute()

        rows = guarded(fetch) if names else []
        return [seat_of(name, raw) for name, raw in zip(names, rows, strict=True) if "seats" in raw]

    def set_status(
        self,
        kf_account: str,
        status: Status,
        *,
        refuse_while_holding: bool,
        only_if_over: bool = False,
    ) -> tuple[str, int]:
        """Set the status. Returns ("ok" | "busy" | "unknown" | "later", conversations held).

        With ``only_if_over`` it does nothing and returns "later" until the announced end of the shift.
        """
        flags = ("1" if flag else "0" for flag in (refuse_while_holding, only_if_over))
        args = (kf_account, status.value, *flags)
        result = self._scripts.run("set_status", self.keys.prefix, *args)
        return result[0], int(result[1])

    def off_shift(self, kf_account: str, in_ms: int | None, notes: Mapping[str, str]) -> str:
        """End the shift in ``in_ms`` (None cancels it). Returns "ok", "unknown" or "offline".

        ``notes`` maps session id → note for the next agent; "" is the default.
        """
        text = json.dumps(dict(notes), ensure_ascii=False)
        args = (kf_account, "" if in_ms is None else in_ms, text)
        return str(self._scripts.run("off_shift", self.keys.prefix, *args)[0])

    def shifts_over(self, now_ms: int) -> list[str]:
        """Return the agents whose shift has ended, the earliest end first."""
        key = self.keys.of("off_shift")
        return list(guarded(lambda: self._redis.zrangebyscore(key, "-inf", now_ms)))

    def off_shift_notes(self, kf_account: str) -> dict[str, str]:
        key = self.keys.of("agent", kf_account)
        notes: dict[str, str] = json.loads(
            guarded(lambda: self._redis.hget(key, "off_shift_notes")) or "{}"
        )
        return notes

    def stream_alive(self, kf_account: str) -> None:
        """Record that a desk of the agent receives its event stream."""
        key = self.keys.of("agent", kf_account)

        def write() -> None:
            now_ms = as_ms(self._redis.time())
            if self._redis.exists(key):
                self._redis.hset(key, "heard_ms", now_ms)

        guarded(write)

    def stream_heard(self, kf_account: str) -> tuple[int, int]:
        """Return (when a desk last reported its stream, 0 = never; Redis time), ms."""

        def read() -> list[Any]:
            pipe = self._redis.pipeline(transaction=False)
            pipe.hget(self.keys.of("agent", kf_account), "heard_ms")
            pipe.time()
            return pipe.execute()

        heard, time = guarded(read)
        return int(heard or 0), as_ms(time)

    def rate(self, kf_account: str, score: int) -> None:
        """Add a rating of the agent."""
        key = self.keys.of("ratings", kf_account)

        def write() -> None:
            pipe = self._redis.pipeline()
            pipe.hincrby(key, "count", 1)
            pipe.hincrby(key, "sum", score)
            pipe.execute()

        guarded(write)

    def ratings(self, kf_accounts: Iterable[str]) -> dict[str, Rating]:
        """Return the ratings of those agents who have one."""
        names = list(kf_accounts)

        def fetch() -> list[list[str | None]]:
            pipe = self._redis.pipeline(transaction=False)
            for name in names:
                pipe.hmget(self.keys.of("ratings", name), "sum", "count")
            return pipe.execute()

        rows = guarded(fetch) if names else []
        pairs = zip(names, rows, strict=True)
        return {n: Rating(int(s) / int(c), int(c)) for n, (s, c) in pairs if s and c and int(c)}

    def on_duty(self) -> set[str]:
        """Return the agents whose status is online or away."""
        return set(guarded(lambda: self._redis.smembers(self.keys.of("duty"))))

    def held(self, kf_account: str) -> set[str]:
        """Return the session ids on the agent's seats, those reserved for a transfer included."""
        return set(guarded(lambda: self._redis.smembers(self.keys.of("seats", kf_account))))

    def crowd(self, group: str, kf_accounts: Sequence[str]) -> Crowd:
        """Return the live numbers of a decision, in one round trip."""

        def fetch() -> list[Any]:
            pipe = self._redis.pipeline(transaction=False)
            ask_time(pipe, self.keys.of("agents"))
            pipe.zcard(self.keys.of("queue", group))
            pipe.scard(self.keys.of("seated", group))
            for name in kf_accounts:
                pipe.scard(self.keys.of("seats", name))
            return pipe.execute()

        time, waiting, seated, *loads = guarded(fetch)
        now_ms = as_ms(time)
        return Crowd(waiting, seated, dict(zip(kf_accounts, loads, strict=True)), now_ms)

    def lease(self, renew: Iterable[str], drop: Iterable[str], holder: str, ttl_ms: int) -> None:
        """Store presence leases of agents for ``holder``, for ``ttl_ms`` unless renewed."""
        request = {
            "renew": [f"{name}|{holder}" for name in renew],
            "drop": [f"{name}|{holder}" for name in drop],
            "ttl_ms": ttl_ms,
        }
        self._scripts.run("lease", self.keys.prefix, json.dumps(request))

    def leased(self) -> frozenset[str]:
        """Return the agents with a lease that has not expired."""

        def fetch() -> list[Any]:
            pipe = self._redis.pipeline(transaction=False)
            ask_time(pipe, self.keys.of("leases"))
            pipe.zrange(self.keys.of("leases"), 0, -1, withscores=True)
            return pipe.execute()

        time, rows = guarded(fetch)
        now_ms = as_ms(time)
        return frozenset(member.rpartition("|")[0] for member, ends in rows if ends > now_ms)

    def absent(self, present: Iterable[str]) -> dict[str, int]:
        """Return the agents on duty who are not connected, and for how long, ms."""
        flat = self._scripts.run("watch_absent", self.keys.prefix, json.dumps(sorted(present)))
        return {name: int(for_ms) for name, for_ms in zip(flat[::2], flat[1::2], strict=True)}

    def _mark(self, kf_account: str) -> None:
        self._scripts.run("mark_agent", self.keys.prefix, kf_account)
