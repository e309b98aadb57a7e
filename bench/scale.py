"""Whether a message costs the same with many conversations open and many agents on the roster."""

from __future__ import annotations

from bench.inside import Inside, inside
from bench.lab import median
from bench.rows import FLAT, Row, markdown
from bench.timing import each_ms

FEW, MANY = 10, 100_000
FEW_AGENTS, MANY_AGENTS = 10, 1_000
MESSAGES, ROUNDS = 2_000, 15


def cost_ms(office: Inside, users: int) -> float:
    """Of one message in an open conversation: the least median of some rounds."""
    return min(
        median(each_ms(office.says, (number * 7919 % users for number in range(MESSAGES))))
        for _ in range(ROUNDS)
    )


def rows() -> list[Row]:
    with inside(KF_QUEUE_MAX="1000000") as office:
        office.staff(FEW_AGENTS, 1000)
        office.open_many(range(FEW))
        few = cost_ms(office, FEW)
        office.open_many(range(FEW, MANY))
        many = cost_ms(office, MANY)
        office.staff(MANY_AGENTS - FEW_AGENTS, 1)
        crowded = cost_ms(office, MANY)
    return [
        _row(f"cost per message, {FEW} → {MANY:,} open conversations", few, many),
        _row(f"cost per message, {FEW_AGENTS} → {MANY_AGENTS:,} agents", many, crowded),
    ]


def _row(what: str, before: float, after: float) -> Row:
    ratio = after / before
    shown = f"{before * 1000:.0f} → {after * 1000:.0f} µs"
    return Row(what, shown, "≤ 1.15 ×", ratio <= FLAT, ratio=f"{ratio:.2f}")


if __name__ == "__main__":
    print(markdown(rows()))
