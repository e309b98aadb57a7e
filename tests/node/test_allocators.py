"""Streams that sleep keep little memory, and the store has an allocator that suits it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from app.node import tuning as allocators
from tests.e2e.conftest import admin as admin
from tests.e2e.conftest import credentials as credentials
from tests.e2e.conftest import node as node
from tests.e2e.conftest import platform as platform
from tests.e2e.world import Caller, Node
from tests.faults.cluster import rss_mb

STREAMS = 150
STREAM_KB = 75
"""54 measured, 93 with a stock of memory for each thread."""


def stream(node: Node, admin: Caller) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", node.port), 10)
    token = admin.session.headers["Authorization"]
    made.sendall(
        f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: {token!s}\r\n\r\n".encode()
    )
    assert made.recv(4_096).startswith(b"HTTP/1.1 200")
    return made


def test_an_open_stream_costs_a_node_less_than_its_share(node: Node, admin: Caller) -> None:
    streams = [stream(node, admin) for _ in range(10)]
    assert node.process is not None
    before = rss_mb(node.process.pid)
    streams += [stream(node, admin) for _ in range(STREAMS)]
    each = (rss_mb(node.process.pid) - before) * 1000 / STREAMS
    for one in streams:
        one.close()
    assert each < STREAM_KB


def test_what_an_operator_chose_for_the_allocators_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    name, _ = allocators.GRANIAN
    monkeypatch.setenv(name, "narenas:2")
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    monkeypatch.setattr(allocators.ctypes, "CDLL", pytest.fail)
    allocators.one_stock_for_all_threads()
    assert os.environ[name] == "narenas:2"


def test_the_store_runs_on_jemalloc_where_the_system_has_it(node: Node) -> None:
    installed = next(filter(os.path.exists, allocators.JEMALLOC), None)
    if installed is None:
        pytest.skip("no libjemalloc on this machine")
    mapped = Path(f"/proc/{node.embedded_store_pid()}/maps").read_text()
    assert os.path.realpath(installed) in mapped


@pytest.mark.parametrize(
    ("paths", "page_bytes"), [(["/nowhere/libjemalloc.so.2"], 4096), (["/"], 65_536)]
)
def test_the_store_has_glibc_allocator_where_jemalloc_is_missing_or_cannot_run(
    monkeypatch: pytest.MonkeyPatch, paths: list[str], page_bytes: int
) -> None:
    monkeypatch.setattr(allocators, "JEMALLOC", paths)
    monkeypatch.setattr(allocators.os, "sysconf", lambda _: page_bytes)
    assert allocators.of_the_store() == {"GLIBC_TUNABLES": allocators.GLIBC_STOCK}
