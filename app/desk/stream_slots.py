"""How many event streams a node holds, and how many of them one person may take."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.metrics.prometheus import STREAMS

STREAMS_MAX: Final = 200
EACH_MAX: Final = 8
"""Streams that one person listens to; a further one ends the oldest."""

ENDING_MAX: Final = 8
"""Streams of one person that were ended and not given back yet, as their client does not read."""


@dataclass(eq=False, slots=True)
class Slot:
    """One stream's place. ``replaced``: a newer stream of the same person took it over."""

    person_id: int
    replaced: bool = False
    wake: Callable[[], None] | None = None

    def replace(self) -> None:
        """Tell the stream that it ends. It looks at ``replaced`` before each wait, and wakes from one."""
        self.replaced = True
        if self.wake is not None:
            self.wake()


class StreamSlots:
    """The places for event streams of this node; each stream holds a thread."""

    def __init__(
        self, most: int = STREAMS_MAX, each: int = EACH_MAX, ending: int = ENDING_MAX
    ) -> None:
        self._most, self._each, self._ending = most, each, ending
        self._lock = threading.Lock()
        self._taken: defaultdict[int, deque[Slot]] = defaultdict(deque)
        self._count = 0

    def take(self, person_id: int) -> Slot | None:
        """Return a place, None where there is none. The person's oldest stream ends for the ninth."""
        with self._lock:
            mine = self._taken.get(person_id, deque[Slot]())
            if self._count >= self._most or len(mine) >= self._each + self._ending:
                return None
            slot = Slot(person_id)
            self._taken[person_id].append(slot)
            self._count += 1
            listening = [one for one in self._taken[person_id] if not one.replaced]
            replaced = listening[: -self._each]
            for one in replaced:
                one.replaced = True
        for one in replaced:
            one.replace()
        STREAMS.inc()
        return slot

    def give_back(self, slot: Slot) -> None:
        with self._lock:
            mine = self._taken[slot.person_id]
            mine.remove(slot)
            if not mine:
                del self._taken[slot.person_id]
            self._count -= 1
        STREAMS.dec()
