"""Agents as routing sees them: an immutable roster with a ring for each group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from routing.ring import Ring


@dataclass(frozen=True, slots=True)
class Agent:
    """One kf_account. ``weight`` is their number of seats; ``online`` = may be given customers now."""

    kf_account: str
    weight: int
    groups: frozenset[str]
    online: bool


@dataclass(frozen=True, slots=True)
class Roster:
    """All agents of one official account at a moment. ``Roster.of(agents, before)`` reuses rings."""

    agents: Mapping[str, Agent] = field(default_factory=dict)
    rings: Mapping[str, Ring] = field(default_factory=dict)

    @classmethod
    def of(cls, agents: Iterable[Agent], before: Roster | None = None) -> Roster:
        """``before`` is the roster so far: rings of unchanged groups stay, others change by what differs."""
        by_name = {agent.kf_account: agent for agent in agents}
        old = before.rings if before else {}
        members: dict[str, list[tuple[str, int]]] = {}
        for agent in by_name.values():
            for group in agent.groups if agent.online else ():
                members.setdefault(group, []).append((agent.kf_account, agent.weight))
        rings = {g: old.get(g, Ring()).with_agents(pairs) for g, pairs in members.items()}
        return cls(by_name, rings)

    def agent(self, kf_account: str) -> Agent:
        """Raises KeyError for a name that is not on the roster."""
        return self.agents[kf_account]

    def ring(self, group: str) -> Ring:
        """The ring of the group's online agents; empty for a group without any."""
        return self.rings.get(group, Ring())

    def online_in(self, group: str) -> tuple[str, ...]:
        """The group's agents that may be given customers now."""
        return tuple(name for name, _ in self.ring(group).weights)

    def weight_of(self, group: str) -> int:
        """Seats of the group's online agents together; at least 1."""
        return max(1, sum(weight for _, weight in self.ring(group).weights))
