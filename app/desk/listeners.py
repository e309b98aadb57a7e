"""The desks that listen to an official account, and which of them an event concerns."""

from __future__ import annotations

import queue
from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from typing import Final

from sessions.store.desk_stream import Told

BACKLOG_MAX: Final = 1_000
"""Events that a slow reader may lag before the desk must fetch again."""

FOR_EVERYONE: Final = "presence.changed"


@dataclass(frozen=True, slots=True)
class DeskEvent:
    """One event as sent: ``data`` is JSON text. ``group`` is set where the group's agents may see it."""

    id: str
    type: str
    data: str
    audience: frozenset[str]
    group: str
    everyone: bool


RESYNC: Final = DeskEvent("", "resync", "{}", frozenset(), "", everyone=True)
NUDGE: Final = DeskEvent("", "nudge", "", frozenset(), "", everyone=True)
"""An event that is never sent; it only ends a reader's wait."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener: kf_account, groups, and whether they supervise."""

    kf_account: str
    groups: frozenset[str]
    supervisor: bool

    def concerned_by(self, told: Told) -> bool:
        """Return whether the listener may see the entry; ``may_see`` decides once its content is read."""
        return (
            self.supervisor
            or told.type == FOR_EVERYONE
            or self.kf_account in told.audience
            or _group_of(told) in self.groups
        )

    def may_see(self, event: DeskEvent) -> bool:
        return (
            self.supervisor
            or event.everyone
            or self.kf_account in event.audience
            or (bool(event.group) and event.group in self.groups)
        )


def _group_of(told: Told) -> str:
    """Return the group whose members may see the entry; "" for a message of an owned conversation."""
    to_an_agent = told.type == "message.created" and told.names.strip(",")
    return "" if to_an_agent else told.group


@dataclass(eq=False, slots=True)
class Subscription:
    """One desk's stream; ``get`` waits for the next event.

    While it catches up on missed events, new events are held back and follow them.
    Offers and the end of catching up are the hub's, under its lock.
    """

    listener: Listener
    pending: queue.SimpleQueue[DeskEvent] = field(default_factory=queue.SimpleQueue)
    held: list[DeskEvent] | None = None

    def get(self, timeout_s: float) -> DeskEvent | None:
        try:
            return self.pending.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def offer(self, event: DeskEvent) -> None:
        """Offer an event without blocking; a reader too far behind loses the backlog and must fetch again."""
        if self.held is not None:
            self.held.append(event)
            return
        if self.pending.qsize() >= BACKLOG_MAX:
            self._start_over()
        else:
            self.pending.put(event)

    def caught_up(self, missed: Iterable[DeskEvent]) -> None:
        """Deliver the missed events, then those that were held back."""
        held, self.held = self.held or [], None
        for event in (*missed, *held):
            self.offer(event)

    def _start_over(self) -> None:
        while True:
            try:
                self.pending.get_nowait()
            except queue.Empty:
                break
        self.pending.put(RESYNC)


class Listeners:
    """The subscriptions of a hub, indexed by what concerns them.

    An event costs as much as there are desks that it concerns, not as there are desks.
    """

    def __init__(self) -> None:
        self._all: set[Subscription] = set()
        self._supervisors: set[Subscription] = set()
        self._by_account: defaultdict[str, set[Subscription]] = defaultdict(set)
        self._by_group: defaultdict[str, set[Subscription]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Subscription]:
        return iter(self._all)

    def add(self, one: Subscription) -> None:
        self._all.add(one)
        for places, name in self._places(one.listener):
            places[name].add(one)
        if one.listener.supervisor:
            self._supervisors.add(one)

    def discard(self, one: Subscription) -> None:
        self._all.discard(one)
        self._supervisors.discard(one)
        for places, name in self._places(one.listener):
            places[name].discard(one)
            if not places[name]:
                del places[name]

    def concerned(self, told: Told) -> Set[Subscription]:
        if not self._all:
            return self._all
        if told.type == FOR_EVERYONE:
            return self._all
        found = self._supervisors | self._by_group.get(_group_of(told), set())
        return found.union(*(self._by_account.get(name, ()) for name in told.audience))

    def _places(self, listener: Listener) -> list[tuple[defaultdict[str, set[Subscription]], str]]:
        mine = [(self._by_account, listener.kf_account)] if listener.kf_account else []
        return mine + [(self._by_group, group) for group in listener.groups]
