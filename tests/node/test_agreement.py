"""Nodes on one Redis that have different settings say so, by the names of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from app.node.agreement import KEY, OWN, SettingsWatch, differing, digests
from config.settings import Settings, load_settings
from sessions.store.clients import store_client
from tests.servers import PrivateRedis

SECRET = b"the key that all nodes share"
ACCOUNT = {
    "KF_APPID": "wx0123456789abcdef",
    "KF_APP_SECRET": "app-secret",
    "KF_TOKEN": "token",
    "KF_CALLBACK_MODE": "plain",
}


def settings(**more: str) -> Settings:
    return load_settings(ACCOUNT | more, None)


@pytest.fixture
def client(redis_server: PrivateRedis) -> Iterator[redis.Redis]:
    made = store_client(redis_server.url.replace("/0", "/14"), 4)
    made.delete(KEY)
    yield made
    made.close()


def watch(redis_server: PrivateRedis, node_id: str, of: Settings) -> SettingsWatch:
    made = store_client(redis_server.url.replace("/0", "/14"), 1)
    return SettingsWatch(made, node_id, digests(of, SECRET))


@pytest.mark.parametrize(
    "more",
    [
        {"KF_IDLE_CLOSE_S": "60"},
        {"KF_BUDGET_RULE": "sum"},
        {"KF_TOKEN": "another"},
        {"KF_ENTRY_KEYS": "help"},
        {"KF_TIMEZONE": "UTC"},
    ],
)
def test_a_setting_that_changes_decisions_is_named(more: dict[str, str]) -> None:
    own, other = digests(settings(), SECRET), digests(settings(**more), SECRET)
    assert differing(own, [own, other]) == tuple(more)


def test_what_belongs_to_one_machine_may_differ() -> None:
    other = settings(
        HOST="0.0.0.0", PORT="9000", KF_LOG_LEVEL="debug", KF_STREAMS_MAX="10", KF_NODE_ID="b"
    )
    assert differing(digests(settings(), SECRET), [digests(other, SECRET)]) == ()
    assert set(Settings.model_fields) >= OWN


def test_a_node_of_another_version_with_other_settings_is_no_difference() -> None:
    own = digests(settings(), SECRET)
    assert differing(own, [{"KF_IDLE_CLOSE_S": own["KF_IDLE_CLOSE_S"], "KF_NEW": "1"}, {}]) == ()


def test_no_value_can_be_guessed_from_a_digest_without_the_key() -> None:
    with_one, with_another = digests(settings(), SECRET), digests(settings(), b"another key")
    assert all(with_one[name] != with_another[name] for name in with_one)


def test_two_nodes_see_each_others_difference_until_one_leaves(
    redis_server: PrivateRedis, client: redis.Redis
) -> None:
    first = watch(redis_server, "a", settings())
    second = watch(redis_server, "b", settings(KF_IDLE_CLOSE_S="60"))
    first.look()
    second.look()
    first.look()
    assert first.differing() == second.differing() == ("KF_IDLE_CLOSE_S",)
    stored: Any = client.hgetall(KEY)
    assert "app-secret" not in str(stored) and set(stored) == {"a", "b"}
    second.stop()
    first.look()
    assert first.differing() == ()
    first.stop()


def test_a_node_that_died_is_forgotten(redis_server: PrivateRedis, client: redis.Redis) -> None:
    client.hset(KEY, "dead", '{"until_ms": 1, "digests": {"KF_IDLE_CLOSE_S": "x"}}')
    alive = watch(redis_server, "a", settings())
    alive.look()
    assert alive.differing() == ()
    assert client.hkeys(KEY) == ["a"]
    alive.stop()
