"""Throughput of the callback: encrypted texts in open conversations, stored, told to the desk, answered."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import desk, load, pushes
from bench.lab import node
from bench.peer import peer
from bench.rows import Row, against, markdown
from tests.e2e.world import Credentials

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))
CONNECTIONS = 32
SERVERS = ("gunicorn", "granian")
OURS, PEERS = "kfring", ("empty", "werobot", "wechatpy")
MADE = 120_000
AGENTS, SEATS = 10, 100

Rates = dict[tuple[str, str], list[float]]


@dataclass(frozen=True, slots=True)
class Texts:
    """Files of pushes: those that open the conversations and settle the server, and those that count."""

    first: Path
    counted: Path


def measure(servers: tuple[str, ...] = SERVERS, peers: tuple[str, ...] = PEERS) -> Rates:
    """Requests per second by (server, application), each round one after another and with the same pushes."""
    found: Rates = {(server, app): [] for server in servers for app in (OURS, *peers)}
    for _ in range(ROUNDS):
        of = Credentials()
        with texts(of) as made:
            for (server, app), rates in found.items():
                one = ours(server, of, made) if app == OURS else theirs(app, server, of, made)
                rates.append(one.rate)
    return found


def ours(server: str, of: Credentials, made: Texts) -> load.Load:
    """A node on fresh data with every customer's conversation open."""
    with node(of, KF_SERVER=server) as one:
        desk.staff(one, AGENTS, SEATS)
        return _replayed(one.url, made, CONNECTIONS, 0)


def theirs(app: str, server: str, of: Credentials, made: Texts) -> load.Load:
    with peer(app, server, of) as url:
        return _replayed(url, made, CONNECTIONS, 0)


def loaded(
    url: str, of: Credentials, connections: int, pause_ms: float, count: int = MADE
) -> load.Load:
    """What the generator saw of a server whose conversations were opened first, with pushes made for it."""
    with texts(of, count) as made:
        return _replayed(url, made, connections, pause_ms)


@contextlib.contextmanager
def texts(of: Credentials, count: int = MADE) -> Iterator[Texts]:
    """Of one official account; gone with the block, which has 300 seconds until they are stale."""
    maker = pushes.Maker(of)
    with tempfile.TemporaryDirectory() as folder:
        made = Texts(Path(folder) / "first", Path(folder) / "pushes")
        pushes.write(made.first, maker.many(3 * pushes.USERS))
        pushes.write(made.counted, maker.many(count))
        yield made


def _replayed(url: str, made: Texts, connections: int, pause_ms: float) -> load.Load:
    load.send_all(url, made.first)
    seen = load.replay(url, made.counted, connections, SECONDS, pause_ms)
    assert not seen.bad, f"{seen.bad} wrong answers"
    return seen


def rows() -> list[Row]:
    rates = measure()
    return [row for server in SERVERS for row in _rows_of(server, rates)]


def _rows_of(server: str, rates: Rates) -> list[Row]:
    """granian is the server that is shipped, so the second bar against WeRoBot is for it."""
    ours, what = rates[server, OURS], f"callback on {server}"
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
