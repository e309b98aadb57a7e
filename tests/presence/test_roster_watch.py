"""A node hears of changed agents at once, also where none of its desks follows the stream."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from app.presence.roster_watch import RosterWatch
from sessions.model import StoreDown
from sessions.seats import Status
from sessions.store.agents import AgentStore
from sessions.store.clients import blocking_client, store_client
from sessions.store.roster_news import RosterNews
from sessions.store.scripts import Scripts
from tests.servers import PrivateRedis
from tests.support import wait_until

WAIT_S = 5.0


@pytest.fixture
def seats(redis_server: PrivateRedis, appid: str) -> Iterator[AgentStore]:
    client = store_client(redis_server.url, 4)
    yield AgentStore(Scripts(client), appid)
    client.close()


@pytest.fixture
def news(redis_server: PrivateRedis, appid: str) -> Iterator[RosterNews]:
    client = blocking_client(redis_server.url, 1)
    yield RosterNews(client, appid)
    client.close()


@pytest.fixture
def watched(appid: str, news: RosterNews) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Starts a watch that calls what it is given."""
    made = list[RosterWatch]()

    def start(refresh: Callable[[], None]) -> None:
        made.append(RosterWatch(appid, news, refresh))
        made[-1].start()

    yield start
    for watch in made:
        watch.stop()
    wait_until(lambda: not any(watch._thread.is_alive() for watch in made))


def test_each_change_of_an_agent_is_looked_at(
    seats: AgentStore, watched: Callable[[Callable[[], None]], None]
) -> None:
    looked = threading.Event()
    watched(looked.set)
    changes: list[Callable[[], object]] = [
        lambda: seats.put("anna@x", "Anna", 5, ()),
        lambda: seats.set_status("anna@x", Status.ONLINE, refuse_while_holding=False),
        lambda: seats.off_shift("anna@x", 60_000, {}),
        lambda: seats.put("anna@x", "Anna", 9, ("vip",)),
        lambda: seats.remove("anna@x"),
    ]
    for change in changes:
        looked.clear()
        change()
        assert looked.wait(WAIT_S)


def test_what_could_not_be_looked_at_is_tried_again(
    seats: AgentStore, watched: Callable[[Callable[[], None]], None]
) -> None:
    outcomes = iter([StoreDown("away"), RuntimeError("a fault of ours"), None])
    done = threading.Event()

    def refresh() -> None:
        outcome = next(outcomes)
        if outcome is not None:
            raise outcome
        done.set()

    seats.put("anna@x", "Anna", 5, ())
    watched(refresh)
    assert done.wait(WAIT_S)


def test_only_the_last_few_changes_are_kept(seats: AgentStore, news: RosterNews) -> None:
    for number in range(30):
        seats.put(f"agent{number}@x", "Agent", 5, ())
    assert seats._redis.xlen(seats.keys.of("roster_news")) == 8
    newest = news.after("0-0", 1)
    assert news.after(newest, 1) == newest
