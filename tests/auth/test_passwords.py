from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable

import pytest

from app.auth import passwords as module
from app.auth.errors import Busy
from app.auth.passwords import Passwords, WeakPassword, generate


def test_only_the_right_password_fits(passwords: Passwords) -> None:
    stored = passwords.hash("开门芝麻12345")
    assert stored.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert passwords.verify(stored, "开门芝麻12345")
    assert not passwords.verify(stored, "开门芝麻12346")
    assert not passwords.verify(stored, "")
    assert not passwords.verify("no hash at all", "开门芝麻12345")
    assert not passwords.verify(None, "开门芝麻12345")


def test_a_password_typed_in_another_unicode_form_fits(passwords: Passwords) -> None:
    assert passwords.verify(passwords.hash("caf\u00e9 table"), "cafe\u0301 table")


@pytest.mark.parametrize("password", ["", "1234567", "x" * 257])
def test_a_password_too_short_or_too_long_is_refused(passwords: Passwords, password: str) -> None:
    with pytest.raises(WeakPassword):
        passwords.hash(password)


@pytest.mark.parametrize("password", ["x" * 100_000, "\ud83d broken", "\x00" * 9])
def test_any_text_can_be_tried(passwords: Passwords, password: str) -> None:
    assert not passwords.verify(passwords.hash("something else"), password)


def test_what_only_begins_like_a_long_password_does_not_fit(passwords: Passwords) -> None:
    assert not passwords.verify(passwords.hash("x" * 256), "x" * 257)


def test_a_hash_of_weaker_parameters_is_outdated(passwords: Passwords) -> None:
    weak = module.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("password")
    assert passwords.outdated(weak)
    assert not passwords.outdated(passwords.hash("password"))


def test_generated_passwords_are_long_enough_and_differ() -> None:
    made = {generate() for _ in range(50)}
    assert len(made) == 50
    assert min(map(len, made)) >= 16


def _median_s(call: Callable[[], object]) -> float:
    times = []
    for _ in range(9):
        started = time.process_time()
        call()
        times.append(time.process_time() - started)
    return statistics.median(times)


def test_an_unknown_name_costs_what_a_known_one_does(passwords: Passwords) -> None:
    stored = passwords.hash("password")
    known = _median_s(lambda: passwords.verify(stored, "guess 123"))
    unknown = _median_s(lambda: passwords.verify(None, "guess 123"))
    assert 0.5 < unknown / known < 2.0


class _Counting:
    """Stands before the real hasher and notes how many hash at once."""

    def __init__(self, hasher: module.PasswordHasher) -> None:
        self._hasher = hasher
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0

    def verify(self, stored: str, password: bytes) -> bool:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            return self._hasher.verify(stored, password)
        finally:
            with self._lock:
                self._now -= 1


def test_fifty_sign_ins_at_once_hash_two_at_a_time() -> None:
    passwords = Passwords(parallel=2, wait_s=60.0)
    stored = passwords.hash("password")
    counting = _Counting(passwords._hasher)
    passwords._hasher = counting  # type: ignore[assignment]
    fits: list[bool] = []
    threads = [
        threading.Thread(target=lambda: fits.append(passwords.verify(stored, "password")))
        for _ in range(50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fits == [True] * 50
    assert counting.most == 2


def test_one_that_would_wait_too_long_is_told_so(passwords: Passwords) -> None:
    hurried = Passwords(parallel=1, wait_s=0.05)
    with hurried._slot(), pytest.raises(Busy):
        hurried.verify(None, "password")
    assert not hurried.verify(None, "password")
