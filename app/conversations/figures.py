"""The figures of this moment, for metrics, minute counts, alarms and the overview alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.account import Account


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """One group's queue: customers who wait, and for how long the first of them, ms."""

    waiting: int
    oldest_wait_ms: int


@dataclass(frozen=True, slots=True)
class Figures:
    """An official account's open conversations, agents who may be given customers, and queues by group."""

    open: int
    online: int
    queues: Mapping[str, QueueFigures]

    @property
    def waiting(self) -> int:
        """Customers who wait in any queue."""
        return sum(queue.waiting for queue in self.queues.values())

    @property
    def serving(self) -> int:
        """Open conversations that do not wait."""
        return max(0, self.open - self.waiting)

    @property
    def oldest_wait_ms(self) -> int:
        return max((queue.oldest_wait_ms for queue in self.queues.values()), default=0)

    def of(self, wanted: Callable[[str], bool]) -> Figures:
        """Return the same with the queues of the wanted groups only."""
        queues = {group: queue for group, queue in self.queues.items() if wanted(group)}
        return Figures(self.open, self.online, queues)


def figures_of(account: Account, now_ms: int) -> Figures:
    """Return the figures of now. Raises StoreDown, StoreRefused."""
    queries = account.queries
    lengths = {group: length for group, length in queries.queue_lengths().items() if length}
    heads = queries.sessions(queries.waiting(lengths, 1))
    waits = {head.group: max(0, now_ms - head.waiting_since_ms) for head in heads}
    return Figures(
        open=queries.live_count(),
        online=sum(agent.serving for agent in account.attendance.agents().values()),
        queues={group: QueueFigures(n, waits.get(group, 0)) for group, n in lengths.items()},
    )
