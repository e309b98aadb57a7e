from __future__ import annotations

import threading

import redis
from pydantic import SecretStr

from app.auth import secret_key
from app.auth.secret_key import agreed


def test_a_given_key_is_used_and_stays_out_of_redis(client: redis.Redis) -> None:
    given = SecretStr("a given key, long")
    assert agreed(client, given, SecretStr("own")) == given
    assert client.keys("*") == []


def test_nodes_that_were_given_no_key_agree_on_the_first_ones_own(client: redis.Redis) -> None:
    assert agreed(client, None, SecretStr("first")).get_secret_value() == "first"
    assert agreed(client, None, SecretStr("second")).get_secret_value() == "first"


def test_all_who_start_at_once_get_the_same_key(client: redis.Redis) -> None:
    keys: list[str] = []

    def start(own: str) -> None:
        keys.append(agreed(client, None, SecretStr(own)).get_secret_value())

    threads = [threading.Thread(target=start, args=(f"own {n}",)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 16
    assert len(set(keys)) == 1


def test_keys_of_different_purposes_differ() -> None:
    assert secret_key.derive(b"s", "csrf") != secret_key.derive(b"s", "other")
    assert secret_key.derive(b"s", "csrf") == secret_key.derive(b"s", "csrf")
