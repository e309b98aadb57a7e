"""What is wrong is refused with the same work as what does not exist, so that its time tells nothing.

The work is counted; the bench compares the time itself.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator

import argon2
import pytest
import redis
from sqlalchemy import Engine, event

from app.auth.errors import BadCredentials
from app.auth.logins import Logins
from app.auth.passwords import Passwords
from app.auth.signin import SignIn
from app.auth.throttle import Limits, Throttle
from app.wechat.inbound import BadPush, Refused, read_push
from tests.auth.conftest import client as client
from tests.auth.conftest import directory as directory
from tests.auth.conftest import logins as logins
from tests.auth.conftest import sign_in as sign_in
from tests.auth.conftest import throttle as throttle
from tests.auth.test_signin import wang as wang
from tests.servers import PrivateRedis
from tests.wechat.pushes import NOW_S, OTHER_KEY, account, seal_raw, sealed_push
from tests.wechat.test_abuse import BROKEN
from tests.work import calls_made, store_work

HOME = "10.0.0.1"
MANY = Limits(free_on_account=10**6, free_from_address=10**6)
CALLS_APART = 5
"""Of some 95 function calls, the decryption of the whole text among them: less than its time varies."""


def test_a_cipher_text_is_refused_with_the_same_work_wherever_it_is_wrong() -> None:
    sealed = {name: base64.b64encode(seal_raw(layout)).decode() for name, layout in BROKEN.items()}
    sealed["other key"] = base64.b64encode(seal_raw(BROKEN["uneven pad"], OTHER_KEY)).decode()

    def refuse(cipher: str) -> None:
        push = sealed_push(cipher)
        with contextlib.suppress(BadPush, Refused):
            read_push(account(), *push, NOW_S)

    work = {name: calls_made(lambda c=cipher: refuse(c)) for name, cipher in sealed.items()}  # type: ignore[misc]
    assert "empty message" in BROKEN and work.pop("empty message") > 0  # it is readable, not broken
    assert max(work.values()) - min(work.values()) <= CALLS_APART, work


class _Noting:
    """The real hasher; it notes at what cost each password was looked at."""

    def __init__(self, hasher: argon2.PasswordHasher) -> None:
        self._hasher = hasher
        self.costs: list[argon2.Parameters] = []

    def verify(self, stored: str, password: bytes) -> bool:
        self.costs.append(argon2.extract_parameters(stored))
        return self._hasher.verify(stored, password)


@pytest.fixture
def passwords() -> Passwords:
    """As shipped."""
    return Passwords()


@pytest.fixture
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    """Its figures are for all who use it."""
    server = PrivateRedis(tmp_path_factory.mktemp("redis"))
    server.start()
    with redis.Redis.from_url(server.url, decode_responses=True) as made:
        yield made
    server.stop()


@pytest.mark.usefixtures("wang")
def test_a_wrong_password_and_an_unknown_name_cost_the_same_work(
    engine: Engine, own_redis: redis.Redis, passwords: Passwords
) -> None:
    """One hash at the same cost, the same commands of Redis, and at most one more look for a username."""
    noting = _Noting(passwords._hasher)
    passwords._hasher = noting  # type: ignore[assignment]
    logins = Logins(own_redis, b"a secret of the tests")
    sign_in = SignIn(engine, passwords, Throttle(own_redis, MANY), logins, {"wx1"})
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *seen: statements.append(seen[2]))

    def refuse(name: str) -> None:
        with pytest.raises(BadCredentials):
            sign_in.cookie(name, "wrong password", HOME)

    refuse("somebody")  # the scripts are loaded
    hashes, commands, selects = [], [], []
    for name in ("wang", "nobody", "kf1@acme", "nobody@acme"):
        noting.costs.clear()
        statements.clear()
        commands.append(store_work(own_redis, lambda n=name: refuse(n)).calls)  # type: ignore[misc]
        hashes.append(list(noting.costs))
        selects.append(len(statements))
    assert len(hashes[0]) == 1
    assert all(one == hashes[0] for one in hashes)
    assert all(one == commands[0] for one in commands)
    assert max(selects) - min(selects) <= 1, (
        "some microseconds beside a hash of tens of milliseconds"
    )
