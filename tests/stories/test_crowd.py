"""Two nodes, Redis and ZooKeeper: thousands wait, all agents sign in at once, an outside program looks on.

The small form runs with all tests, the large one (200 agents, 5,000 customers) by ``make crowd``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.e2e.world import Credentials, Node, Platform
from tests.faults.history import History, Told, judge
from tests.faults.load import read_stores
from tests.servers import PrivateRedis, PrivateZooKeeper
from tests.stories.crowd import Crowd
from tests.support import wait_until

QUIET = {"KF_SWEEP_S": "2", "KF_LOG_LEVEL": "warning", "KF_QUEUE_MAX": "6000"}


@dataclass
class Place:
    """One installation: two nodes, and what stands behind them."""

    env: dict[str, str]
    credentials: Credentials
    platform: Platform
    nodes: list[Node]

    def client(self) -> Redis:
        client: Redis = Redis.from_url(self.env["KF_REDIS_URL"], decode_responses=True)
        return client

    def at_rest(self) -> bool:
        """Nothing is still to be sent or on its way to SQL."""
        with self.client() as client:
            return not client.exists(self.prefix + "obdue", self.prefix + "closed")

    @property
    def prefix(self) -> str:
        return f"kf:{{{self.credentials.appid}}}:"


@pytest.fixture
def place(
    tmp_path: Path, redis_server: PrivateRedis, zookeeper_server: PrivateZooKeeper
) -> Iterator[Place]:
    """An account without WeChat's kf feature, which would allow a hundred agents."""
    credentials = Credentials()
    platform = Platform(credentials, verified=False)
    env = {
        "KF_REDIS_URL": redis_server.url,
        "KF_ZOOKEEPER_HOSTS": zookeeper_server.hosts,
        "KF_DATABASE_URL": f"sqlite:///{tmp_path / 'shared.db'}",
        **QUIET,
    }
    nodes = [
        Node(tmp_path / name, credentials, platform, KF_NODE_ID=name, **env)
        for name in ("east", "west")
    ]
    for node in nodes:
        node.launch()
    for node in nodes:
        node.await_ready()
    yield Place(env, credentials, platform, nodes)
    for node in nodes:
        node.ask_to_stop()
    for node in nodes:
        node.stop()
    platform.stop()


class Witness:
    """Follows the desk stream: every step of every conversation, in the order in which it was taken."""

    def __init__(self, place: Place) -> None:
        self.told: list[Told] = []
        self._client, self._key = place.client(), place.prefix + "desk"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def closed(self) -> int:
        return len({told.session_id for told in self.told if told.state == "CLOSED"})

    def first(self, state: str) -> list[str]:
        """Conversations in the order in which they came into the state for the first time."""
        return list(dict.fromkeys(t.session_id for t in self.told if t.state == state))

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)
        self._client.close()

    def _follow(self) -> None:
        last = "0-0"
        while not self._stop.is_set():
            for _, rows in self._client.xread({self._key: last}, 2000, 200) or []:
                self.told += [_told(raw) for _, raw in rows if "state" in raw]
                last = rows[-1][0]


def _told(raw: dict[str, Any]) -> Told:
    reserved, epoch = raw.get("transfer_to", ""), int(raw.get("owner_epoch", 0))
    return Told(raw["id"], raw["openid"], raw["state"], raw.get("kf_account", ""), reserved, epoch)


def history_of(place: Place, crowd: Crowd, witness: Witness) -> History:
    """Everything that was seen, and what the stores and the platform hold at the end."""
    world = place.platform._world
    followers = world.account(place.credentials.appid).followers
    conversations, stores = read_stores(place)  # type: ignore[arg-type]
    asked = {reply.text for reply in crowd.replies}
    return History(
        pushes=crowd.pushes,
        replies=crowd.replies,
        delivered={
            openid: [
                line["text"] for line in followers[openid].transcript if line.get("text") in asked
            ]
            for openid in crowd.openids
        },
        conversations=conversations,
        told=witness.told,
        limits={clerk.kf_account: crowd.seats for clerk in crowd.clerks},
        samples=list(crowd.samples),
        stores=stores,
    )


@pytest.mark.parametrize(
    ("agents", "customers"),
    [
        (12, 200),
        pytest.param(200, 5000, marks=[pytest.mark.faults_long, pytest.mark.timeout(1200)]),
    ],
)
def test_everybody_who_waits_is_served_in_order_when_all_agents_sign_in_at_once(
    place: Place, agents: int, customers: int
) -> None:
    crowd = Crowd(place.nodes, agents, customers, seats=5)
    for openid in crowd.openids:
        place.platform.heard(openid)
    witness = Witness(place)
    crowd.write()
    assert all(push.answered for push in crowd.pushes)
    assert crowd.waiting() == customers
    crowd.sign_in()
    crowd.finish(lambda: witness.closed() == customers, timeout=50 + customers / 5)
    witness.stop()
    with crowd.timed("all sent and kept"):
        wait_until(place.at_rest, 120)
    assert crowd.trouble == []

    verdict = judge(history_of(place, crowd, witness))
    assert (verdict.problems, verdict.lost, verdict.doubled) == ((), 0, 0)
    assert verdict.outcomes == f"{customers} sent, 0 unknown, 0 failed"
    assert witness.first("SERVING") == witness.first("WAITING")
    assert {told.epoch for told in witness.told} == {0, 1}
    assert crowd.samples
    slowest = max(push.seconds for push in crowd.pushes)
    took = ", ".join(f"{what} in {seconds:.1f} s" for what, seconds in crowd.figures.items())
    print(f"\n{agents} agents, {customers} customers: {took}; slowest push {slowest:.2f} s")
