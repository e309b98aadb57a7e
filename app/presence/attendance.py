"""Presence: joins what agents want (status), what nodes see (presence) and what leases remember.

Presence is a hint, seats are the truth: a stale roster can at worst offer a conversation to an agent whom
the script then refuses. One per official account and node.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from app.node.tuning import SHORT_TURNS
from routing.agents import Agent, Roster
from routing.presence.interface import Presence, PresenceHealth
from sessions.seats import Seat, Status
from sessions.store.agents import AgentStore

LEASE_MS = 15_000
"""How long a node's leases for its agents outlive the node, ms."""

RENEW_S = 5.0
"""Seconds between renewals; a third of the lease, so that one lost renewal moves nobody."""

LOOK_AT_ALL_S = 30.0
"""Seconds between readings of all agents, in case a change was not marked."""

MISSED_HEARTBEATS = 3
"""Intervals without a heartbeat after which a program counts as gone."""

HEARTBEAT_HOLDER = "heartbeat"

assert RENEW_S * 1000 * 2 < LEASE_MS


@dataclass(frozen=True, slots=True)
class Present:
    """One agent as lists show them."""

    seat: Seat
    present: bool

    @property
    def serving(self) -> bool:
        """Whether the agent may be given new conversations."""
        willing = self.seat.status is Status.ONLINE and not self.seat.off_shift_ms
        return self.present and self.seat.enabled and willing


class Attendance:
    """The roster of one official account as this node knows it. Safe from any thread."""

    def __init__(
        self,
        seats: AgentStore,
        presence: Presence,
        node: str,
        heartbeat_s: int,
        default_group: Callable[[], str],
    ) -> None:
        self._seats = seats
        self._presence = presence
        self._node = node
        self._heartbeat_ms = heartbeat_s * 1000 * MISSED_HEARTBEATS
        self._default_group = default_group
        self._lock = threading.Lock()
        self._streams: Counter[str] = Counter()
        self._beats: dict[str, float] = {}
        self._agents: Mapping[str, Present] = {}
        self._roster = Roster.of(())
        self._renewed_at = 0.0
        self._looking = threading.Lock()
        self._looked_at = -LOOK_AT_ALL_S
        self._mark = 0
        self._seen: frozenset[str] = frozenset()
        self._group = ""
        self.on_joined: Callable[[str], object] = lambda kf_account: None

    def stream_opened(self, kf_account: str) -> None:
        """Record that a desk of the agent listens on this node."""
        with self._lock:
            self._streams[kf_account] += 1
        self._announce(kf_account)

    def stream_closed(self, kf_account: str) -> None:
        """Record that the desk is gone; the grace for its conversations begins when it was the last."""
        with self._lock:
            self._streams[kf_account] -= 1
            gone = self._streams[kf_account] <= 0
            if gone:
                del self._streams[kf_account]
        if gone and not self._beating(kf_account):
            self._withdraw([kf_account])

    def heartbeat(self, kf_account: str) -> None:
        """Record a program without a stream as connected, for three heartbeat intervals."""
        with self._lock:
            self._beats[kf_account] = time.monotonic() + self._heartbeat_ms / 1000
        self._presence.announce(kf_account)
        self._seats.lease([kf_account], [], HEARTBEAT_HOLDER, self._heartbeat_ms)

    def left(self, kf_account: str) -> None:
        """Drop the heartbeats of an agent who signed out of service; an open desk still counts."""
        with self._lock:
            self._beats.pop(kf_account, None)
            streaming = self._streams[kf_account] > 0
        self._seats.lease([], [kf_account], HEARTBEAT_HOLDER, self._heartbeat_ms)
        if not streaming:
            self._withdraw([kf_account])

    def refresh(self) -> None:
        """Read changed statuses, limits and leases; report newly available agents to ``on_joined``."""
        self._expire_beats()
        self._renew()
        with self._looking:
            joined = self._look()
        for kf_account in joined:
            self.on_joined(kf_account)

    def _look(self) -> list[str]:
        """Return who can be given customers now and could not before. The cost grows with what changed."""
        group, now = self._default_group(), time.monotonic()
        everybody = group != self._group or now - self._looked_at >= LOOK_AT_ALL_S
        present = self.present()
        mark, names = self._seats.changed_since(self._mark)
        seats = self._seats.all() if everybody else self._seats.read(names)
        before = self._agents
        agents = {} if everybody else {n: a for n, a in before.items() if n not in names}
        agents |= {seat.kf_account: Present(seat, False) for seat in seats}
        touched = {seat.kf_account for seat in seats} | (present ^ self._seen)
        for name in touched & agents.keys():
            agents[name] = Present(agents[name].seat, name in present)
        if everybody or names or touched & agents.keys():
            with SHORT_TURNS:
                roster = Roster.of((self._agent(a) for a in agents.values()), self._roster)
            with self._lock:
                self._agents, self._roster = agents, roster
        self._mark, self._seen, self._group = mark, present, group
        if everybody:
            self._looked_at = now
        there = (n for n in touched & agents.keys() if agents[n].serving)
        return [name for name in sorted(there) if not (name in before and before[name].serving)]

    def roster(self) -> Roster:
        return self._roster

    def agents(self) -> Mapping[str, Present]:
        return self._agents

    def agent(self, kf_account: str) -> Present | None:
        return self._agents.get(kf_account)

    def groups_of(self, kf_account: str) -> tuple[str, ...]:
        agent = self._agents.get(kf_account)
        return (agent.seat.groups if agent else ()) or (self._default_group(),)

    def present(self) -> frozenset[str]:
        """Return the agents whom this node, ZooKeeper or a lease shows as connected."""
        return self._local() | self._presence.present() | self._seats.leased()

    def health(self) -> PresenceHealth:
        return self._presence.health()

    def connected(self) -> bool:
        """Return whether ZooKeeper is connected, or none is needed."""
        return self._presence.health().state in ("connected", "local")

    def close(self) -> None:
        """Withdraw this node's presence of its agents; the leases stay, so that desks can move over."""
        self._presence.close()

    def _agent(self, agent: Present) -> Agent:
        seat = agent.seat
        groups = frozenset(seat.groups) or frozenset({self._default_group()})
        return Agent(seat.kf_account, weight=seat.seats, groups=groups, online=agent.serving)

    def _local(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._streams) | frozenset(self._beats)

    def _beating(self, kf_account: str) -> bool:
        with self._lock:
            return kf_account in self._beats

    def _expire_beats(self) -> None:
        now = time.monotonic()
        with self._lock:
            over = [name for name, ends in self._beats.items() if ends <= now]
            for name in over:
                del self._beats[name]
            gone = [name for name in over if name not in self._streams]
        for name in gone:
            self._presence.withdraw(name)

    def _announce(self, kf_account: str) -> None:
        self._presence.announce(kf_account)
        self._seats.lease([kf_account], [], self._node, LEASE_MS)

    def _withdraw(self, kf_accounts: Iterable[str]) -> None:
        names = list(kf_accounts)
        for name in names:
            self._presence.withdraw(name)
        self._seats.lease([], names, self._node, LEASE_MS)

    def _renew(self) -> None:
        """Renew the leases once per RENEW_S, however often refresh is called."""
        now = time.monotonic()
        with self._lock:
            if now - self._renewed_at < RENEW_S:
                return
            self._renewed_at = now
            names = list(self._streams)
        if names:
            self._seats.lease(names, [], self._node, LEASE_MS)
