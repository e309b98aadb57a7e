"""Desks: tabs closed, doubled, too slow, all back at once; a stream trimmed past a reader."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Iterator

import pytest

import app.desk.hub
from app.desk.hub import DeskHub
from app.desk.listeners import BACKLOG_MAX, Listener
from sessions.store.clients import blocking_client, store_client
from sessions.store.desk_stream import DeskStream
from sessions.store.queries import Queries
from sessions.store.scripts import Scripts
from tests.faults.cluster import Site, rss_mb
from tests.faults.conftest import Sheet, proof
from tests.faults.load import Load, Worker
from tests.faults.rows import covers
from tests.faults.toxic import Toxic
from tests.servers import PrivateRedis
from tests.support import wait_until

ENV = {"KF_STREAMS_MAX": "600", "KF_PRESENCE_GRACE_S": "2"}


@covers(27)
def test_a_closed_tab_is_noticed_and_after_the_grace_the_customer_has_another_agent(
    site: Site, load: Load, sheet: Sheet
) -> None:
    first, second = load.staff(2)
    openids = load.crowd(4)
    load.rush(openids)
    mine = {s["openid"] for s in first.mine()}
    assert mine
    began = time.monotonic()
    first.answers = False
    first.hang_up()
    wait_until(lambda: {s["openid"] for s in second.mine()} == set(openids), 40)
    sheet.recovered(time.monotonic() - began)
    load.rush(openids)
    proof(load, sheet)
    sheet.held("re-queued at the head after a grace of 2 s; a pulled cable is noticed by TCP only")


@covers(28)
def test_an_agent_with_two_tabs_on_two_nodes_is_one_agent_who_hears_all_in_both(
    site: Site, load: Load, sheet: Sheet
) -> None:
    east, west = site.nodes
    (worker,) = load.staff(1, [east.url])
    other = Worker(load.history, worker.kf_account, [west.url])
    other.answers = False
    threading.Thread(target=other._listen, daemon=True).start()
    wait_until(lambda: other.connects, 20)
    openids = load.crowd(6)
    load.rush(openids)
    wait_until(lambda: len(worker.mine()) == 5)
    seen = {p.text for p in load.history.pushes if p.openid in {s["openid"] for s in worker.mine()}}
    wait_until(lambda: seen <= set(worker.texts()) and seen <= set(other.texts()), 20)
    other.hang_up()
    time.sleep(3)  # longer than the grace: the other tab keeps him
    assert len(worker.mine()) == 5
    proof(load, sheet)
    sheet.held("five seats, not ten; both tabs told")


@covers(36, long=True)
def test_five_hundred_streams_are_back_within_seconds(site: Site, load: Load, sheet: Sheet) -> None:
    (worker,) = load.staff(1)
    node = site.nodes[0]
    token = worker.agent.session.headers["Authorization"]
    request = (
        f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{node.port}\r\n"
        f"Authorization: {token!s}\r\nAccept: text/event-stream\r\n\r\n"
    ).encode()

    def connect() -> socket.socket:
        made = socket.create_connection(("127.0.0.1", node.port), timeout=60)
        made.sendall(request)
        return made

    def all_in() -> tuple[list[socket.socket], float]:
        began = time.monotonic()
        made: list[socket.socket] = []
        wanted = 500
        while wanted:
            for stream in [connect() for _ in range(wanted)]:
                if stream.recv(64).startswith(b"HTTP/1.1 200"):
                    made.append(stream)
                else:  # 503 with Retry-After, until the node has noticed the ends of the old ones
                    stream.close()
            wanted = 500 - len(made)
            assert time.monotonic() - began < 60
        return made, time.monotonic() - began

    streams, _ = all_in()
    for stream in streams:
        stream.close()
    streams, seconds = all_in()
    assert load.says(load.crowd(1)[0]).answered
    for stream in streams:
        stream.close()
    sheet.recovered(seconds)
    assert seconds < 30
    proof(load, sheet)
    sheet.held("500 of 500, callbacks answered beside them")


@covers(37)
def test_a_desk_that_does_not_read_harms_nobody(site: Site, load: Load, sheet: Sheet) -> None:
    (worker,) = load.staff(1)
    node = site.nodes[0]
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", node.port))
    sock.sendall(
        f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: "
        f"{worker.agent.session.headers['Authorization']!s}\r\n\r\n".encode()
    )
    assert node.process is not None
    before = rss_mb(node.process.pid)
    openids = load.crowd(3)
    load.rush(openids, each=30, threads=3)
    wait_until(lambda: len(set(worker.texts())) >= 90, 30)
    grown = rss_mb(node.process.pid) - before
    sock.close()
    assert grown < 100
    proof(load, sheet)
    sheet.held(f"others heard everything, memory +{max(0, grown):.0f} MB")


@pytest.fixture
def hub_behind(
    redis_server: PrivateRedis, appid: str
) -> Iterator[tuple[DeskHub, DeskStream, Toxic]]:
    """A node's hub whose tail goes through a proxy, and the stream as others write it."""
    door = Toxic(redis_server.port)
    client = store_client(redis_server.url, 4)
    tail = blocking_client(f"redis://{door.address}/0", 1)
    hub = DeskHub(appid, DeskStream(client, tail, appid), Queries(Scripts(client), appid))
    hub.start()
    yield hub, DeskStream(client, client, appid), door
    hub.stop()
    door.heal()
    wait_until(hub.stopped, 10)
    door.down()
    client.close()
    tail.close()


ANYBODY = Listener("a@x", frozenset(), supervisor=True)


@covers(13)
def test_a_desk_whose_node_missed_more_than_is_kept_starts_over(
    hub_behind: tuple[DeskHub, DeskStream, Toxic], monkeypatch: pytest.MonkeyPatch, sheet: Sheet
) -> None:
    hub, stream, door = hub_behind
    desk = hub.subscribe(ANYBODY, "")
    stream.tell("presence.changed", "a@x", {"status": "online"})
    event = desk.get(10)
    assert event is not None and event.type == "presence.changed"
    door.down()
    monkeypatch.setattr(app.desk.hub, "KEPT_MS", 500)
    monkeypatch.setattr(app.desk.hub, "TRIM_MARGIN_MS", 0)
    stream.tell("presence.changed", "a@x", {"status": "away"})
    stream._redis.xtrim(stream._key, 0, approximate=False)
    time.sleep(1)  # the silence itself is what is tested
    door.up()
    told = wait_until(lambda: (e := desk.get(0.1)) and e, 15)
    assert told.type == "resync"
    sheet.held("resync: the desk fetches again")


@covers(37)
def test_a_slow_reader_loses_his_backlog_and_is_told_to_start_over(
    hub_behind: tuple[DeskHub, DeskStream, Toxic], sheet: Sheet
) -> None:
    hub, stream, _ = hub_behind
    slow, quick = hub.subscribe(ANYBODY, ""), hub.subscribe(ANYBODY, "")
    heard = 0
    for number in range(BACKLOG_MAX + 10):
        stream.tell("presence.changed", "a@x", {"status": secrets.token_hex(2), "n": number})
        heard += quick.get(0) is not None
    while heard < BACKLOG_MAX + 10:
        assert quick.get(10) is not None
        heard += 1
    kinds = []
    while (event := slow.get(0.2)) is not None:
        kinds.append(event.type)
    assert "resync" in kinds and len(kinds) < BACKLOG_MAX
    sheet.held("bounded backlog, then resync")
