"""A row of the table: what was measured, the peer in the same run, and whether the target is met."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

FLAT = 1.15
"""How much dearer what grows may become and still count as flat."""

HEAD = ("what", "measured", "peer in the same run", "ratio", "target", "")


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
    what: str, ours: float, peer_name: str, peer: float, at_least: float, unit: str = "/s"
) -> Row:
    """A row where more is better."""
    ratio = ours / peer
    return Row(
        what,
        f"{ours:,.0f}{unit}",
        f"≥ {at_least:g} ×",
        ratio >= at_least,
        f"{peer_name} {peer:,.0f}{unit}",
        f"{ratio:.2f}",
    )


def within(what: str, measured: float, most: float, unit: str, digits: int = 1) -> Row:
    """A row where less is better and the target is a figure."""
    return Row(what, f"{measured:.{digits}f} {unit}", f"≤ {most:g} {unit}", measured <= most)


def markdown(rows: Iterable[Row]) -> str:
    lines = [f"| {' | '.join(HEAD)} |", "|---|---|---|---|---|---|"]
    lines += [f"| {' | '.join(row.cells())} |" for row in rows]
    return "\n".join(lines)
