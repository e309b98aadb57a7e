from __future__ import annotations

import threading

import pytest
import redis

from app.auth.errors import Throttled
from app.auth.throttle import Limits, Throttle, account_key

HOME, AWAY = "10.0.0.1", "10.0.0.2"


def _passes(throttle: Throttle, account: str, address: str, times: int) -> int:
    """How many of so many wrong guesses are let through."""
    passed = 0
    for _ in range(times):
        try:
            throttle.take(account, address)
        except Throttled as refused:
            assert refused.retry_after_s >= 1
        else:
            passed += 1
    return passed


def test_guessing_from_one_address_is_stopped_after_a_few(throttle: Throttle) -> None:
    assert _passes(throttle, "a", HOME, 1000) == 3


def test_guessing_from_many_addresses_is_stopped_too(throttle: Throttle) -> None:
    assert sum(_passes(throttle, "a", f"10.1.0.{n}", 2) for n in range(50)) == 6


def test_guesses_at_the_same_moment_do_not_slip_through(throttle: Throttle) -> None:
    passed: list[int] = []
    threads = [
        threading.Thread(target=lambda: passed.append(_passes(throttle, "a", HOME, 5)))
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(passed) == 3


def test_fifty_agents_behind_one_address_do_not_hold_up_each_other(throttle: Throttle) -> None:
    for number in range(50):
        assert _passes(throttle, f"agent{number}", HOME, 2) == 2
        throttle.take(f"agent{number}", HOME)
        throttle.right(f"agent{number}", HOME)


def test_signing_in_again_and_again_is_never_slowed_down(throttle: Throttle) -> None:
    for _ in range(30):
        throttle.take("a", HOME)
        throttle.right("a", HOME)


def test_strangers_cannot_lock_an_agent_out_of_a_known_place(throttle: Throttle) -> None:
    throttle.take("a", HOME)
    throttle.right("a", HOME)
    for number in range(30):
        _passes(throttle, "a", f"10.1.0.{number}", 2)
    with pytest.raises(Throttled):
        throttle.take("a", AWAY)
    throttle.take("a", HOME)


def test_a_known_place_may_not_guess_for_ever_either(throttle: Throttle) -> None:
    throttle.take("a", HOME)
    throttle.right("a", HOME)
    assert _passes(throttle, "a", HOME, 100) == 3


def test_an_attempt_that_was_never_checked_does_not_count(throttle: Throttle) -> None:
    for _ in range(30):
        throttle.take("a", HOME)
        throttle.unchecked("a", HOME)
    assert _passes(throttle, "a", HOME, 10) == 3


def test_waits_double_up_to_the_longest(client: redis.Redis) -> None:
    limits = Limits(
        free_from_address=1, first_ms=10_000, longest_from_address_ms=35_000, stored_ms=3_600_000
    )
    throttle = Throttle(client, limits)
    waits = []
    for _ in range(4):
        throttle.take("a", HOME)
        with pytest.raises(Throttled) as refused:
            throttle.take("a", HOME)
        waits.append(refused.value.retry_after_s)
        for key in client.keys("kf:throttle:*"):
            client.hset(key, "until", "0")
    assert waits == [10, 20, 35, 35]


def test_what_is_counted_is_forgotten_in_time(client: redis.Redis, throttle: Throttle) -> None:
    throttle.take("a", HOME)
    throttle.take("b", HOME)
    throttle.right("b", HOME)
    keys = client.keys("kf:throttle:*")
    assert len(keys) == 3
    assert all(client.pttl(key) > 0 for key in keys)


def test_all_names_of_a_person_count_together_and_tell_nothing() -> None:
    assert account_key(7, "wang") == account_key(7, "kf1@acme")
    assert account_key(None, "nobody") == account_key(None, " NOBODY ")
    assert account_key(None, "nobody") != account_key(None, "person 7") != account_key(7, "")
    assert len(account_key(7, "wang")) == len(account_key(None, "x" * 10_000)) == 32
