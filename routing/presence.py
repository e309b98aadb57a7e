"""Liveness of agents, whatever keeps it. Presence is a hint to routing, never its guard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PresenceHealth:
    """``state``: connected, suspended, lost or local; ``since_s`` seconds in it."""

    state: str
    since_s: float


class Presence(Protocol):
    """The agents of one official account that are there. No call blocks, none raises."""

    def announce(self, kf_account: str) -> None:
        """This node sees the agent; repeating it is harmless."""

    def withdraw(self, kf_account: str) -> None:
        """This node no longer sees the agent; other nodes may."""

    def present(self) -> frozenset[str]:
        """Everybody seen by any node, as last known."""

    def health(self) -> PresenceHealth:
        """How trustworthy ``present`` is."""

    def on_change(self, callback: Callable[[], None]) -> None:
        """``callback`` runs (on a thread of the adapter) when ``present`` may have changed."""

    def close(self) -> None:
        """Takes back everything this node announced."""
