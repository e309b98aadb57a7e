"""A node that only serves the web sends what it accepts, and leaves what it could not send to the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import need
from tests.e2e.world import ADMIN_PASSWORD, Agent, Caller, Credentials, Node, Platform, register
from tests.servers import PrivateRedis, PrivateZooKeeper, redis_missing
from tests.support import wait_until

SEND = "/cgi-bin/message/custom/send"
PASSWORD = "agent-password-1"


@pytest.fixture
def env(tmp_path: Path, zookeeper_server: PrivateZooKeeper) -> Iterator[dict[str, str]]:
    need(redis_missing())
    redis = PrivateRedis(tmp_path / "redis")
    redis.start()
    yield {
        "KF_REDIS_URL": redis.url,
        "KF_ZOOKEEPER_HOSTS": zookeeper_server.address,
        "KF_DATABASE_URL": f"sqlite:///{tmp_path / 'shared.db'}",
        "KF_SECRET_KEY": "",
    }
    redis.stop()


def test_a_web_node_sends_at_once_what_it_accepts_and_a_worker_what_it_could_not(
    tmp_path: Path, env: dict[str, str]
) -> None:
    account = Credentials()
    platform = Platform(account)
    web = Node(tmp_path / "web", account, platform, KF_ROLE="web", **env).start()
    worker = Node(tmp_path / "worker", account, platform, KF_ROLE="worker", **env)
    try:
        admin = Caller(web.url, "admin", ADMIN_PASSWORD)
        anna = Agent(web.url, register(admin, "anna", PASSWORD), PASSWORD).online()
        platform.point_to(web)
        platform.follow("o1")
        platform.says("o1", "在吗")
        sid = anna.mine()[0]["id"]
        anna.reply(sid, "在的")
        wait_until(lambda: [row["text"] for row in platform.received("o1")] == ["在的"])
        platform.faults({"path": SEND, "errcode": -1, "count": 1})
        anna.reply(sid, "请稍等")
        wait_until(lambda: platform.calls_to(SEND) == 2)
        worker.start()
        wait_until(lambda: len(platform.received("o1")) == 2, 20)
        wait_until(
            lambda: {m["status"] for m in anna.messages(sid) if m["direction"] == "out"} == {"sent"}
        )
    finally:
        for node in (worker, web):
            node.stop()
        platform.stop()
