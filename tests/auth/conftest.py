from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from sqlalchemy import Engine

from app.auth.logins import Logins
from app.auth.passwords import Passwords
from app.auth.signin import SignIn
from app.auth.throttle import Limits, Throttle
from app.directory.people import PeopleDirectory
from tests.passwords import cheap_passwords
from tests.servers import PrivateRedis

LIMITS = Limits(free_on_account=6, free_from_address=3, first_ms=60_000)


@pytest.fixture
def client(redis_server: PrivateRedis) -> Iterator[redis.Redis]:
    """A Redis database with nothing in it."""
    made = redis.Redis.from_url(redis_server.url, db=9, decode_responses=True)
    made.flushdb()
    yield made
    made.close()


@pytest.fixture(scope="session")
def passwords() -> Passwords:
    return cheap_passwords()


@pytest.fixture
def logins(client: redis.Redis) -> Logins:
    return Logins(client, b"a secret of the tests")


@pytest.fixture
def throttle(client: redis.Redis) -> Throttle:
    """Few free attempts, then waits longer than any test."""
    return Throttle(client, LIMITS)


@pytest.fixture
def sign_in(engine: Engine, passwords: Passwords, throttle: Throttle, logins: Logins) -> SignIn:
    return SignIn(engine, passwords, throttle, logins, {"wx1"})


@pytest.fixture
def directory(engine: Engine, passwords: Passwords, logins: Logins) -> PeopleDirectory:
    return PeopleDirectory(engine, passwords, logins)
