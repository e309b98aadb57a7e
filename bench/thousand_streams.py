"""One node that holds 1,000 desk streams: its memory, and what its callbacks feel of them."""

from __future__ import annotations

from bench import callback, desk
from bench.lab import BenchNode, median, node
from bench.rows import Row, markdown, within
from bench.streams import Desks

STREAMS = 1_000
CONNECTIONS, PAUSE_MS = 32, 40.0
MADE = 12_000
ROUNDS = 7


def rows() -> list[Row]:
    with node(KF_STREAMS_MAX=str(STREAMS + 50)) as made:
        agents = desk.staff(made, STREAMS, 5, present=False)
        seats = desk.staff(made, callback.AGENTS, callback.SEATS)
        assert seats
        alone = _p99(made)
        desks = Desks(made.url, lambda event, data, at: None)
        desks.open(agents)
        beside = _p99(made)
        memory = made.memory_mb()
        desks.close()
    ratio = beside / alone
    shown = f"{alone:.1f} → {beside:.1f} ms"
    return [
        within("memory of a node with 1,000 desk streams", memory, 200, "MB", 0),
        Row("callbacks' p99 beside them", shown, "≤ 1.5 ×", ratio <= 1.5, ratio=f"{ratio:.2f}"),
    ]


def _p99(made: BenchNode) -> float:
    """ms; the middle of some rounds, the ticks and the garbage of half a minute among them."""
    of = made.credentials
    return median(
        [callback.loaded(made.url, of, CONNECTIONS, PAUSE_MS, MADE).p99 for _ in range(ROUNDS)]
    )


if __name__ == "__main__":
    print(markdown(rows()))
