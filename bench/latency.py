"""Latency of the callback at half of its throughput, over 500 connections that pause at random."""

from __future__ import annotations

from bench import callback, desk
from bench.lab import node
from bench.load import Load
from bench.rows import Row, markdown, within

SERVER = "granian"
CONNECTIONS = 500
ROUNDS = 3


def rows() -> list[Row]:
    """Of the middle round: where the machine slows down in one, its half load is more than half."""
    found = sorted((_round() for _ in range(ROUNDS)), key=lambda pair: pair[1].p99)
    full, seen = found[ROUNDS // 2]
    load = f"callback at {seen.rate:,.0f}/s (half is {full / 2:,.0f}), 500 connections"
    return [
        within(f"{load}, p99", seen.p99, 20, "ms"),
        within(f"{load}, p99.9", seen.p999, 50, "ms"),
    ]


def _round() -> tuple[float, Load]:
    """Pushes a second at full load, and what was seen at half of it right after."""
    with node(KF_SERVER=SERVER) as made:
        desk.staff(made, callback.AGENTS, callback.SEATS)
        url, of = made.url, made.credentials
        full = callback.loaded(url, of, callback.CONNECTIONS, 0).rate
        pause_ms = CONNECTIONS / (full / 2) * 1000
        return full, callback.loaded(url, of, CONNECTIONS, pause_ms, callback.MADE // 2)


if __name__ == "__main__":
    print(markdown(rows()))
