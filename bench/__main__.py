"""Every row of the table, printed as it is measured and written into docs/performance.md."""

from __future__ import annotations

import datetime
import importlib
import os
import platform
import sys
import traceback
from collections.abc import Iterator

from bench.rows import HEAD, NotMeasured, Row, markdown
from tests.e2e.world import ROOT

MODULES = (
    "callback",
    "round_trips",
    "latency",
    "desk_events",
    "replies",
    "scale",
    "queueing",
    "sweep",
    "backlog",
    "memory",
    "ring",
    "refusals",
    "thousand_streams",
    "start",
    "two_nodes",
)
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


def main(wanted: list[str]) -> int:
    rows = list[Row]()
    print("\t".join(HEAD))
    for name in wanted or MODULES:
        for row in measured(name):
            rows.append(row)
            print("\t".join(row.cells()), flush=True)
    if not wanted:
        _write(f"{_where()}\n\n{markdown(rows)}")
    return 0 if all(row.ok for row in rows) else 1


def measured(name: str) -> Iterator[Row]:
    """Yield the rows of a module; what cannot be measured is a row that says why, and the others count.

    ``rows()`` may be a generator: what it had yielded before it failed counts as well.
    """
    try:
        yield from importlib.import_module(f"bench.{name}").rows()
    except NotMeasured as reason:
        yield Row(name, f"not measured: {reason}", "", ok=False)
    except Exception as error:
        traceback.print_exc()
        first = (str(error).splitlines() or [""])[0]
        yield Row(name, f"not measured: {type(error).__name__}: {first[:120]}", "", ok=False)


def _where() -> str:
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    cores, load = os.cpu_count(), os.getloadavg()[1]
    python = platform.python_version()
    return f"Measured {today} on {cores} cores, CPython {python}; load before the end {load:.1f}."


def _write(text: str) -> None:
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
