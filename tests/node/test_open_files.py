"""A node takes WeChat's pushes however few files it may open and however many streams are wanted."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.logins import Logins
from app.desk.stream_slots import EACH_MAX
from app.node.embedded_store import running_url
from app.node.open_files import (
    FILES_LEAST,
    OUTGOING,
    OWN,
    PER_ACCOUNT,
    SPARE,
    SQL,
    STREAMS_LEAST,
    FilePlan,
    planned,
    raise_limit,
)
from app.storage.people import Person
from sessions.store.clients import store_client
from tests.e2e.world import Credentials, Node, Platform

WANTED = 1_500
PUSHES = 40
PLATFORM_S = 5.0
"""After which WeChat hangs up."""


@given(
    limit=st.integers(1, 70_000),
    streams=st.integers(1, 4_000),
    spare=st.integers(1, 1_000),
    accounts=st.integers(1, 100),
)
def test_the_shares_of_all_parts_fit_into_the_limit(
    limit: int, streams: int, spare: int, accounts: int
) -> None:
    plan = planned(limit, streams, streams + spare, accounts)
    if plan is None:
        assert limit < FILES_LEAST + PER_ACCOUNT * accounts + limit // 8
        return
    others = OWN + SQL + OUTGOING + PER_ACCOUNT * accounts
    assert plan.connections + 2 * plan.redis + others <= limit
    assert min(streams, STREAMS_LEAST) <= plan.streams <= min(streams, plan.connections - SPARE)


def test_an_ample_limit_changes_nothing() -> None:
    assert planned(20_000, 200, 264, 1) == FilePlan(streams=200, connections=1024, redis=288)


def of_few_files(
    files: int, folder: Path, credentials: Credentials, platform: Platform, **env: str
) -> Node:
    """A node whose process may open so many files; at its start only half of them."""
    node = Node(folder, credentials, platform, **env)
    limits = f'ulimit -S -n {files // 2} && ulimit -H -n {files} && exec "$0" "$@"'
    node.prefix = ("sh", "-c", limits)
    return node


def token_of(node: Node, number: int) -> str:
    """The token of an admin whom the node's database does not know: a stream asks for the login only."""
    url = running_url(Path(node.env["KF_DATA_DIR"]))
    assert url is not None
    with store_client(url, 1) as client:
        logins = Logins(client, node.env["KF_SECRET_KEY"].encode())
        admin = Person(1_000 + number, "a", "a", "admin", None, None, False, 0, 0, "")
        return str(logins.open_token(admin, logins.epoch(admin.id)).secret)


class Streams:
    """Desks that want an event stream; those that were refused leave, the others stay."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._tokens = [token_of(node, number) for number in range(WANTED // EACH_MAX + 1)]
        self._desks: list[socket.socket] = []
        self.answers: Counter[str] = Counter()

    def want(self, number: int) -> None:
        """Whoever is refused keeps the connection, as a browser does, unless the node ends it."""
        asked = (
            "GET /api/v1/events HTTP/1.1\r\nHost: kf\r\nAccept: text/event-stream\r\n"
            f"Authorization: Bearer {self._tokens[number // EACH_MAX]}\r\n\r\n"
        )
        parts = urlsplit(self._node.url)
        desk = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60)
        desk.sendall(asked.encode())
        head = b""
        while b"\r\n\r\n" not in head and (piece := desk.recv(4096)):
            head += piece
        self.answers[head[:12].decode()] += 1
        if b"connection: close" in head.lower():
            desk.close()
        self._desks.append(desk)

    def __enter__(self) -> Streams:
        return self

    def __exit__(self, *_: object) -> None:
        for desk in self._desks:
            desk.close()


@pytest.fixture
def platform() -> Iterator[Platform]:
    made = Platform(Credentials())
    yield made
    made.stop()


@pytest.mark.parametrize("server", ["granian", "gunicorn"])
@pytest.mark.parametrize("files", [256, 1024])
def test_pushes_are_answered_while_more_streams_are_wanted_than_files_allow(
    files: int, server: str, platform: Platform, tmp_path: Path
) -> None:
    raise_limit()  # for this side's sockets
    env = {"KF_STREAMS_MAX": str(WANTED), "KF_SERVER": server}
    node = of_few_files(files, tmp_path, platform.credentials, platform, **env)
    node.start()
    try:
        with Streams(node) as streams, ThreadPoolExecutor(32) as pool:
            list(pool.map(streams.want, range(WANTED)))
            plan = planned(files, WANTED, WANTED + 64, 1)
            assert plan is not None
            refused = WANTED - plan.streams
            assert streams.answers == {"HTTP/1.1 200": plan.streams, "HTTP/1.1 503": refused}
            pushed = pool.map(
                lambda n: node.push_text(f"o{n}", "hi", 10**6 + n, PLATFORM_S), range(PUSHES)
            )
            assert list(pushed) == [200] * PUSHES
        assert f"KF_STREAMS_MAX {WANTED} is lowered to {plan.streams}" in node.log()
        assert "Too many open files" not in node.log()
    finally:
        node.stop()


def test_a_node_that_has_too_few_files_for_anything_refuses_to_start(
    platform: Platform, tmp_path: Path
) -> None:
    node = of_few_files(128, tmp_path, platform.credentials, platform)
    node.launch()
    assert node.process is not None and node.process.wait(60) == 1
    (line,) = [text for text in node.log().splitlines() if "files" in text]
    assert "only 128 files may be open" in line and "LimitNOFILE" in line
