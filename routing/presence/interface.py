"""Liveness of agents, whatever keeps it. Presence is a hint to routing, never its guard.

A seat in Redis is what counts, and leases in Redis stand beside presence. So an implementation that has lost
sight of the world answers "nobody" rather than what it saw last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

State = Literal["connected", "suspended", "lost", "local"]

ANNOUNCE_WAIT_MAX_S: Final = 1.0
"""Longest that ``announce`` waits until the agent is seen."""


@dataclass(frozen=True, slots=True)
class PresenceHealth:
    """How far presence can be trusted now.

    ``connected``: what ``present`` says is current. ``suspended``: the connection is gone for less than a
    session; the last word counts. ``lost``: gone for longer, or never there; ``present`` is empty and the
    leases serve. ``local``: one node, nothing to lose.

    ``since_s``: seconds since the connection came or went. ``sessions``: sessions opened so far.
    ``announced``: agents this node stands for. ``present``: agents seen in all.
    """

    state: State
    since_s: float
    sessions: int = 0
    announced: int = 0
    present: int = 0


class Presence(Protocol):
    """The agents of one official account that are there.

    Safe from any thread; the network makes no call raise.
    """

    def announce(self, kf_account: str, wait_s: float = 0.0) -> None:
        """This node stands for the agent until ``withdraw``; repeating it is harmless.

        Returns at once, or with ``wait_s`` when they are seen, at most ANNOUNCE_WAIT_MAX_S later.
        """

    def withdraw(self, kf_account: str) -> None:
        """This node no longer stands for the agent; other nodes may."""

    def present(self) -> frozenset[str]:
        """Everybody for whom some node stands; empty while that cannot be known."""

    def health(self) -> PresenceHealth:
        """How trustworthy ``present`` is."""

    def on_change(self, callback: Callable[[], None]) -> None:
        """``callback`` runs when ``present`` may have changed: one call at a time, on a thread of the adapter
        (with LocalPresence the caller's). It must be short."""

    def close(self) -> None:
        """Takes back everything this node announced. Returns within seconds, whatever the connection."""
