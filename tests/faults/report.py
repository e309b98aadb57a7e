"""``make faults``: runs every row of the table and writes docs/reliability.md from what was measured."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.rows import ROWS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- table: made by make faults -->", "<!-- end of table -->"
HEAD = "| # | fault | what held | recovery, s | lost | doubled |\n|---|---|---|---|---|---|"


@dataclass(frozen=True)
class Shown:
    """One test that ran: its row, what it measured, whether it passed, was skipped or failed."""

    row: int
    name: str
    outcome: str
    figures: dict[str, str]


def main() -> int:
    """Exit status of the run; the page is written only when every test that ran passed."""
    result = ROOT / "var" / "faults.xml"
    result.parent.mkdir(exist_ok=True)
    elsewhere = sorted({test for row in ROWS.values() for test in row.elsewhere})
    command = [sys.executable, "-m", "pytest", "-m", "fault_row", f"--junitxml={result}"]
    done = subprocess.run(
        [*command, *sys.argv[1:], "tests/faults", *elsewhere], cwd=ROOT, check=False
    )
    lines = table(read(result))
    print("\n".join(lines))
    if done.returncode == 0:
        write(lines)
    return done.returncode


def read(result: Path) -> list[Shown]:
    """What the run reports, by row."""
    found = []
    for case in ET.parse(result).getroot().iter("testcase"):
        figures = {p.get("name", ""): p.get("value", "") for p in case.iter("property")}
        rows = [int(p.get("value", "0")) for p in case.iter("property") if p.get("name") == "row"]
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "held"
        outcome = "skipped" if "skipped" in kinds else outcome
        found += [Shown(row, case.get("name", ""), outcome, figures) for row in rows]
    return found


def table(shown: list[Shown]) -> list[str]:
    """The table's lines; a row that nothing shows says so."""
    by_row: dict[int, list[Shown]] = defaultdict(list)
    for test in shown:
        by_row[test.row].append(test)
    return [*HEAD.splitlines(), *(_line(number, by_row[number]) for number in ROWS)]


def _line(number: int, tests: list[Shown]) -> str:
    row = ROWS[number]
    if not tests:
        return (
            f"| {number} | {row.fault} | **not shown**: {row.not_shown or 'not run'} | — | — | — |"
        )
    words = list(dict.fromkeys(_words(tests)))
    if row.not_shown:
        words.append(f"not built: {row.not_shown}")
    cells = [_most(tests, name) for name in ("recovery_s", "lost", "doubled")]
    return f"| {number} | {row.fault} | {'; '.join(words)} | {' | '.join(cells)} |"


def _words(tests: list[Shown]) -> Iterator[str]:
    failed = [test.name for test in tests if test.outcome == "failed"]
    skipped = [test.name for test in tests if test.outcome == "skipped"]
    yield from (f"**FAILED** {name}" for name in failed)
    yield from (f"**not run here** {name}" for name in skipped)
    for test in tests:
        if test.outcome == "held" and "held" in test.figures:
            replies = test.figures.get("replies")
            yield test.figures["held"] + (f" (replies: {replies})" if replies else "")
    if not any("held" in test.figures for test in tests) and not failed:
        names = list(dict.fromkeys(test.name.partition("[")[0] for test in tests))
        yield from (name.removeprefix("test_").replace("_", " ") for name in names)


def _most(tests: list[Shown], name: str) -> str:
    values = [float(test.figures[name]) for test in tests if name in test.figures]
    return f"{max(values):g}" if values else "—"


def write(lines: list[str]) -> None:
    """Puts the table between its marks."""
    text = PAGE.read_text("utf-8")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{chr(10).join(lines)}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
