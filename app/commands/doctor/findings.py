"""One line of the doctor's report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding: ``what`` was checked, and ``fix``, the next step, "" if there is none."""

    ok: bool
    what: str
    fix: str = ""

    def lines(self) -> list[str]:
        mark = "✓" if self.ok else "✗"
        return [f"{mark} {self.what}", *([f"    → {self.fix}"] if self.fix else [])]


def good(what: str, note: str = "") -> Finding:
    return Finding(True, what, note)


def bad(what: str, fix: str) -> Finding:
    return Finding(False, what, fix)
