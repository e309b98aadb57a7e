"""Throughput of the callback: encrypted texts in open conversations, stored, told to the desk, answered."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from pathlib import Path

from bench import desk, load, pushes
from bench.lab import median, node
from bench.peer import peer
from bench.rows import Row, against, markdown
from tests.e2e.world import Credentials

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))
CONNECTIONS = 32
SERVERS = ("gunicorn", "granian")
PEERS = ("empty", "werobot", "wechatpy")
MADE = 120_000
AGENTS, SEATS = 10, 100

Rates = dict[tuple[str, str], float]


def measure(servers: tuple[str, ...] = SERVERS, peers: tuple[str, ...] = PEERS) -> Rates:
    """Requests per second by (server, application): the median over interleaved rounds."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        for server in servers:
            found[server, "kfring"].append(ours(server).rate)
            for app in peers:
                found[server, app].append(theirs(app, server).rate)
    return {key: median(rates) for key, rates in found.items()}


def ours(server: str) -> load.Load:
    """A node on fresh data with every customer's conversation open."""
    with node(KF_SERVER=server) as made:
        desk.staff(made, AGENTS, SEATS)
        return loaded(made.url, made.credentials, CONNECTIONS, 0)


def theirs(app: str, server: str) -> load.Load:
    credentials = Credentials()
    with peer(app, server, credentials) as url:
        return loaded(url, credentials, CONNECTIONS, 0)


def loaded(
    url: str, of: Credentials, connections: int, pause_ms: float, made: int = MADE
) -> load.Load:
    maker = pushes.Maker(of)
    with tempfile.TemporaryDirectory() as folder:
        first, file = Path(folder) / "first", Path(folder) / "pushes"
        pushes.write(first, maker.many(3 * pushes.USERS))
        pushes.write(file, maker.many(made))
        load.send_all(url, first)
        seen = load.replay(url, file, connections, SECONDS, pause_ms)
    assert not seen.bad, f"{seen.bad} wrong answers"
    return seen


def rows() -> list[Row]:
    rates = measure()
    return [row for server in SERVERS for row in _rows_of(server, rates)]


def _rows_of(server: str, rates: Rates) -> list[Row]:
    """granian is the server that is shipped, so the second bar against WeRoBot is for it."""
    ours, what = rates[server, "kfring"], f"callback on {server}"
    empty, echo = (0.5, 0.95) if server == "gunicorn" else (0.55, 1.1)
    found = [
        against(what, ours, f"WeRoBot on {server}", rates[server, "werobot"], 1.25),
        against(what, ours, f"wechatpy on {server}", rates[server, "wechatpy"], echo),
        against(what, ours, f"empty view on {server}", rates[server, "empty"], empty),
    ]
    if server == "granian":
        found.append(against(what, ours, "WeRoBot on gunicorn", rates["gunicorn", "werobot"], 2))
    return found


if __name__ == "__main__":
    print(markdown(rows()))
