"""A desk that comes back hears what it missed from the stream itself; a node keeps only whom it concerned."""

from __future__ import annotations

import contextlib
import itertools
import threading
import tracemalloc
from collections.abc import Iterator

import pytest

from app.desk.hub import DeskHub
from app.desk.listeners import BACKLOG_MAX, NUDGE, Listener, Subscription
from sessions.model import StoreDown
from sessions.store.clients import blocking_client, store_client
from sessions.store.desk_stream import DeskStream, Told
from sessions.store.queries import Queries
from sessions.store.scripts import Scripts
from tests.servers import PrivateRedis
from tests.support import wait_until

ANNA = Listener("anna@x", frozenset(), supervisor=False)
BERT = Listener("bert@x", frozenset(), supervisor=False)


@pytest.fixture
def stream(redis_server: PrivateRedis, appid: str) -> Iterator[DeskStream]:
    client, tail = store_client(redis_server.url, 4), blocking_client(redis_server.url, 1)
    yield DeskStream(client, tail, appid)
    client.close(), tail.close()


@contextlib.contextmanager
def started(stream: DeskStream, appid: str) -> Iterator[DeskHub]:
    """The hub of a node that starts now."""
    made = DeskHub(appid, stream, Queries(Scripts(stream._redis), appid))
    made.start()
    try:
        yield made
    finally:
        made.stop()
        wait_until(made.stopped, 10)


@pytest.fixture
def hub(stream: DeskStream, appid: str) -> Iterator[DeskHub]:
    with started(stream, appid) as made:
        yield made


def typed(stream: DeskStream, hub: DeskHub, count: int, at: str = "anna@x") -> None:
    """So many entries for one agent, until the hub has them all."""
    for number in range(count):
        stream.tell("session.typing", at, {"number": number})
    wait_until(lambda: hub.last_id() == stream.last_id())


def heard(desk: Subscription) -> list[str]:
    kinds = list[str]()
    while (event := desk.get(0)) is not None:
        kinds.append(event.type if event.type == "resync" else event.data)
    return kinds


def test_what_nobody_here_heard_is_told_to_the_desk_that_comes_back(
    stream: DeskStream, hub: DeskHub
) -> None:
    typed(stream, hub, 1)
    last = hub.last_id()
    typed(stream, hub, 3)
    typed(stream, hub, 2, at="bert@x")
    told = heard(hub.subscribe(ANNA, last))
    assert [one.partition('"number":')[2].strip('"}') for one in told] == ["0", "1", "2"]
    assert len(heard(hub.subscribe(BERT, last))) == 2
    assert heard(hub.subscribe(ANNA, hub.last_id())) == []


def test_a_node_follows_the_stream_from_its_first_desk_on_and_rests_after_the_last(
    stream: DeskStream, hub: DeskHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream.tell("session.typing", "anna@x", {"number": 0})
    first = stream.last_id()
    stream.tell("session.typing", "anna@x", {"number": 1})
    assert not hub._following.is_set() and not hub._kept
    desk = hub.subscribe(ANNA, first)
    assert len(heard(desk)) == 1, "what was told while nobody listened"
    monkeypatch.setattr("app.desk.hub.ALONE_S", 0.0)
    stream.tell("session.typing", "anna@x", {"number": 2})
    wait_until(lambda: heard(desk))
    assert hub._following.is_set(), "while a desk listens"
    hub.unsubscribe(desk)
    stream.tell("session.typing", "anna@x", {"number": 3})
    wait_until(lambda: not hub._following.is_set())
    assert not hub._kept
    monkeypatch.setattr("app.desk.hub.ALONE_S", 60.0)
    assert len(heard(hub.subscribe(ANNA, first))) == 3


def test_a_store_that_is_away_at_the_first_desk_leaves_nothing_behind(
    stream: DeskStream, hub: DeskHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        stream.tell("session.typing", "anna@x", {"number": number})

    def away(key: str) -> str:
        raise StoreDown("away")

    with monkeypatch.context() as broken:
        broken.setattr("app.desk.hub.PAGE", 1)
        whole = stream.recent
        broken.setattr(stream, "recent", lambda: itertools.chain(whole(), map(away, "x")))
        with pytest.raises(StoreDown):
            hub.subscribe(ANNA, "")
    assert not hub.listeners() and not hub._following.is_set()
    hub.subscribe(ANNA, "")
    assert len(hub._kept) == 3


def test_a_desk_that_missed_more_than_a_backlog_starts_over(
    stream: DeskStream, hub: DeskHub
) -> None:
    typed(stream, hub, 1)
    last = hub.last_id()
    typed(stream, hub, BACKLOG_MAX + 1)
    assert heard(hub.subscribe(ANNA, last)) == ["resync"]
    assert heard(hub.subscribe(BERT, last)) == []


def test_a_desk_starts_over_where_what_it_missed_is_gone_from_the_stream(
    stream: DeskStream, hub: DeskHub
) -> None:
    typed(stream, hub, 1)
    last = hub.last_id()
    typed(stream, hub, 3)
    stream._redis.xtrim(stream._key, 2, approximate=False)
    assert heard(hub.subscribe(ANNA, last)) == ["resync"]


def test_a_draining_node_ends_its_desks_waits_also_while_the_store_is_away(
    stream: DeskStream, appid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> list[Told]:
        raise StoreDown

    draining = threading.Event()
    monkeypatch.setattr(stream, "tail", away)
    queries = Queries(Scripts(stream._redis), appid)
    made = DeskHub(appid, stream, queries, draining=draining.is_set)
    made.start()
    try:
        desk = made.subscribe(ANNA, "")
        assert desk.get(0.1) is None
        draining.set()
        assert desk.get(5) is NUDGE
    finally:
        made.stop()
        wait_until(made.stopped, 5)


def test_a_node_keeps_little_of_what_it_has_told(stream: DeskStream, hub: DeskHub) -> None:
    hub.subscribe(ANNA, "")
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for at in ("anna@x", "bert@x"):
            for number in range(500):
                stream.tell("session.typing", at, {"number": number, "much": "x" * 4_000})
            wait_until(lambda: hub.last_id() == stream.last_id())
        heard(next(iter(hub._listeners)))
        typed(stream, hub, 1)  # what was read last is let go with the next reading
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / 1000 < 600, "bytes an entry of 4 kB"


@pytest.mark.parametrize("told", [4, 5, 6])
def test_a_node_that_starts_reads_the_last_minutes_page_by_page(
    stream: DeskStream, hub: DeskHub, appid: str, monkeypatch: pytest.MonkeyPatch, told: int
) -> None:
    monkeypatch.setattr("sessions.store.desk_stream.PAGE", 2)
    typed(stream, hub, 1)
    first = hub.last_id()
    typed(stream, hub, told - 1)
    sizes, read = list[int](), stream._page
    monkeypatch.setattr(
        stream, "_page", lambda start: sizes.append(len(read(start))) or read(start)
    )
    with started(stream, appid) as late:
        assert late.last_id() == hub.last_id()
        assert len(heard(late.subscribe(ANNA, first))) == told - 1
    assert sum(sizes) == told
    assert max(sizes) == 2
