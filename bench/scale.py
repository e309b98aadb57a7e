"""Whether a message costs the same with many conversations open and many agents on the roster.

Each size is a process with a store of its own, and they are asked by turns: a slow minute of the machine
is a slow minute of all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection

from bench.inside import Inside, inside
from bench.lab import median
from bench.rows import FLAT, Row, markdown
from bench.timing import each_ms

FEW, MANY = 10, 100_000
FEW_AGENTS, MANY_AGENTS = 10, 1_000
SEATS = 1_000
MESSAGES, ROUNDS = 2_000, 25
END_S = 30


def rows() -> list[Row]:
    sizes = ((FEW, FEW_AGENTS), (MANY, FEW_AGENTS), (MANY, MANY_AGENTS))
    with contextlib.ExitStack() as stack:
        offices = [stack.enter_context(_office(users, agents)) for users, agents in sizes]
        costs = [[_cost_ms(office) for office in offices] for _ in range(ROUNDS)]
    few, many, crowded = zip(*costs, strict=True)
    return [
        _row(f"cost per message, {FEW} → {MANY:,} open conversations", few, many),
        _row(f"cost per message, {FEW_AGENTS} → {MANY_AGENTS:,} agents", many, crowded),
    ]


def _row(what: str, before: Sequence[float], after: Sequence[float]) -> Row:
    """The ratio is the middle of the rounds' own."""
    ratio = median([b / a for a, b in zip(before, after, strict=True)])
    shown = f"{median(before) * 1000:.0f} → {median(after) * 1000:.0f} µs"
    return Row(what, shown, "≤ 1.15 ×", ratio <= FLAT, ratio=f"{ratio:.2f}")


@contextlib.contextmanager
def _office(users: int, agents: int) -> Iterator[Connection]:
    """The line to a process that says what a message costs it."""
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_answer, args=(theirs, users, agents))
    process.start()
    theirs.close()  # the process has its own: without it the line ends, instead of staying silent
    try:
        ours.recv()
        yield ours
    finally:
        ours.close()
        process.join(END_S)


def _cost_ms(office: Connection) -> float:
    office.send("again")
    cost: float = office.recv()
    return cost


def _answer(asked: Connection, users: int, agents: int) -> None:
    """Until nobody asks any more."""
    with contextlib.suppress(EOFError), inside(KF_QUEUE_MAX="1000000") as office:
        office.staff(FEW_AGENTS, SEATS)
        office.open_many(range(users))
        office.staff(agents - FEW_AGENTS, 1)
        asked.send("ready")
        while asked.recv():
            asked.send(_message_ms(office, users))


def _message_ms(office: Inside, users: int) -> float:
    """Of one message in an open conversation: the middle of many."""
    return median(each_ms(office.says, (number * 7919 % users for number in range(MESSAGES))))


if __name__ == "__main__":
    print(markdown(rows()))
