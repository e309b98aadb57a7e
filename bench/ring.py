"""The ring beside uhashring on the same hash: look-ups, one agent who joins or leaves at 1,000."""

from __future__ import annotations

import json
from pathlib import Path

from bench.lab import SERVER_CORE, command_output, median, on_cores, python_of
from bench.peer import VENV
from bench.rows import Row, against, markdown, within
from bench.timing import each_ms
from routing.ring import BASE_WEIGHT, Ring

AGENTS, KEYS, ROUNDS = 1_000, 20_000, 3
PEER = Path(__file__).parent / "peers" / "ring.py"


def rows() -> list[Row]:
    with on_cores([SERVER_CORE]):
        ring = Ring.of((f"agent{n}@bench", BASE_WEIGHT) for n in range(AGENTS))
        keys = [f"oBench{n:022d}" for n in range(KEYS)]
        ours, theirs = list[float](), list[dict[str, float]]()
        for _ in range(ROUNDS):
            ours.append(
                KEYS / sum(each_ms(lambda all_of: [ring.home(k) for k in all_of], [keys])) * 1000
            )
            theirs.append(json.loads(command_output(python_of(VENV), str(PEER))))
        join = min(each_ms(lambda n: ring.add(f"new{n}@bench", BASE_WEIGHT), range(20)))
        leave = min(each_ms(lambda n: ring.remove(f"agent{n}@bench"), range(20)))
        without = ring.remove("agent7@bench")
        strayed = sum(ring.home(k) not in ("agent7@bench", without.home(k)) for k in keys)
    peer = {name: [found[name] for found in theirs] for name in theirs[0]}
    return [
        against("ring look-ups, 1,000 agents", ours, "uhashring", peer["rate"], 1),
        _change("one agent joins", join, median(peer["join_ms"])),
        _change("one agent leaves", leave, median(peer["leave_ms"])),
        Row("customers moved who were not the leaver's", str(strayed), "0", strayed == 0),
    ]


def _change(what: str, ours: float, theirs: float) -> Row:
    row = within(what, ours, 2, "ms", 2)
    peer = f"uhashring {theirs:.1f} ms"
    return Row(what, row.measured, row.target, row.ok, peer, f"{ours / theirs:.3f}")


if __name__ == "__main__":
    print(markdown(rows()))
