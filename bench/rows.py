"""A row of the table: what was measured, the peer in the same run, and whether the target is met."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

FLAT = 1.15
"""How much dearer what grows may become and still count as flat."""

HEAD = ("what", "measured", "peer in the same run", "ratio", "target", "")


class NotMeasured(Exception):
    """A row's figure would mean nothing here; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Row:
    """``peer`` and ``ratio`` are "" where there is no peer."""

    what: str
    measured: str
    target: str
    ok: bool
    peer: str = ""
    ratio: str = ""

    def cells(self) -> tuple[str, ...]:
        verdict = "pass" if self.ok else "**short**"
        return (self.what, self.measured, self.peer, self.ratio, self.target, verdict)


def against(
    what: str, ours: Sequence[float], peer_name: str, peers: Sequence[float], at_least: float
) -> Row:
    """A row where more is better: the middle of the rounds of each, and of the rounds' ratios.

    A machine that is fast in one round and slow in the next is the same to both within one.
    """
    ratio = median(own / peer for own, peer in zip(ours, peers, strict=True))
    return Row(
        what,
        f"{median(ours):,.0f}/s",
        f"≥ {at_least:g} ×",
        ratio >= at_least,
        f"{peer_name} {median(peers):,.0f}/s",
        f"{ratio:.2f}",
    )


def within(what: str, measured: float, most: float, unit: str, digits: int = 1) -> Row:
    """A row where less is better and the target is a figure."""
    return Row(what, f"{measured:.{digits}f} {unit}", f"≤ {most:g} {unit}", measured <= most)


def markdown(rows: Iterable[Row]) -> str:
    lines = [f"| {' | '.join(HEAD)} |", "|---|---|---|---|---|---|"]
    lines += [f"| {' | '.join(row.cells())} |" for row in rows]
    return "\n".join(lines)
