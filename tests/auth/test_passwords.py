from __future__ import annotations

import threading

import argon2
import pytest

from app.auth import passwords as module
from app.auth.errors import Busy
from app.auth.password_rules import WeakPassword
from app.auth.passwords import Passwords, generate


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    """As shipped: what a hash costs is tested here."""
    return Passwords(wait_s=30.0)


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


class _Counting:
    """The real hasher; it notes what was hashed against and how many hashed at once."""

    def __init__(self, hasher: module.PasswordHasher) -> None:
        self._hasher = hasher
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0
        self.costs: list[argon2.Parameters] = []

    def verify(self, stored: str, password: bytes) -> bool:
        self.costs.append(argon2.extract_parameters(stored))
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            return self._hasher.verify(stored, password)
        finally:
            with self._lock:
                self._now -= 1


@pytest.mark.parametrize("tried", ["guess 123", "x" * 100_000])
def test_an_unknown_name_costs_what_a_known_one_does(passwords: Passwords, tried: str) -> None:
    """One hash of the same parameters each; a text too long to be a password costs no less."""
    counted = Passwords()
    counting = _Counting(counted._hasher)
    counted._hasher = counting  # type: ignore[assignment]
    for stored in (passwords.hash("password"), None):
        assert not counted.verify(stored, tried)
    known, unknown = counting.costs
    assert known == unknown
    assert (known.memory_cost, known.time_cost) == (module.MEMORY_KIB, module.TIME_COST)


def test_fifty_sign_ins_at_once_hash_two_at_a_time() -> None:
    passwords = Passwords(parallel=2, wait_s=60.0, memory_kib=1024)
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
