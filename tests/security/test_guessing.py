"""A thousand guesses: how many are looked at at all."""

from __future__ import annotations

import contextlib

import pytest
import redis
from sqlalchemy import Engine

from app.auth.errors import BadCredentials, Throttled
from app.auth.logins import Logins
from app.auth.passwords import Passwords
from app.auth.signin import SignIn
from app.auth.throttle import Throttle
from tests.auth.conftest import client as client
from tests.auth.conftest import directory as directory
from tests.auth.conftest import logins as logins
from tests.auth.conftest import passwords as passwords
from tests.auth.conftest import sign_in as sign_in
from tests.auth.conftest import throttle as throttle
from tests.auth.test_signin import PASSWORD
from tests.auth.test_signin import wang as wang
from tests.passwords import LEAST_KIB

HOME = "10.0.0.1"
GUESSES = 1000


class Counting(Passwords):
    """How many passwords were checked."""

    checked = 0

    def verify(self, stored: str | None, password: str) -> bool:
        self.checked += 1
        return super().verify(stored, password)


@pytest.fixture
def guarded(engine: Engine, client: redis.Redis, logins: Logins) -> tuple[SignIn, Counting]:
    """Limits as shipped; a hash costs little, as only their number counts."""
    passwords = Counting(wait_s=30.0, memory_kib=LEAST_KIB)
    return SignIn(engine, passwords, Throttle(client), logins, {"wx1"}), passwords


@pytest.mark.usefixtures("wang")
@pytest.mark.parametrize("name", ["wang", "nobody"])
@pytest.mark.parametrize(("addresses", "most"), [(1, 16), (GUESSES, 58)])
def test_of_a_thousand_guesses_few_are_looked_at_whether_the_name_exists_or_not(
    guarded: tuple[SignIn, Counting], name: str, addresses: int, most: int
) -> None:
    sign_in, passwords = guarded
    assert sign_in.cookie("wang", PASSWORD, HOME)
    for number in range(GUESSES):
        with contextlib.suppress(BadCredentials, Throttled):
            sign_in.cookie(name, f"guess {number}", f"10.9.0.{number % addresses}")
    assert passwords.checked - 1 <= most
    with pytest.raises(Throttled):
        sign_in.cookie(name, PASSWORD, "10.9.0.0" if addresses == 1 else "10.9.9.9")
    assert sign_in.cookie("wang", PASSWORD, HOME), "who signed in from here before may come in"
