"""Latency of the callback at half of its throughput, over 500 connections that pause at random."""

from __future__ import annotations

from bench import callback
from bench.rows import Row, markdown, within

SERVER = "granian"
CONNECTIONS = 500


def rows() -> list[Row]:
    full = callback.ours(SERVER).rate
    seen = callback.ours(SERVER, CONNECTIONS, pause_ms=CONNECTIONS / (full / 2) * 1000)
    load = f"callback at {seen.rate:,.0f}/s (half is {full / 2:,.0f}), 500 connections"
    return [
        within(f"{load}, p99", seen.p99, 20, "ms"),
        within(f"{load}, p99.9", seen.p999, 50, "ms"),
    ]


if __name__ == "__main__":
    print(markdown(rows()))
