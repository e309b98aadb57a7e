"""Answers take as long for what is wrong as for what does not exist, so that their time tells nothing.

CPU time of this thread, asked in turn and in changing order: what else runs on the machine meets all alike.
"""

from __future__ import annotations

import base64
import contextlib
import statistics
import time
from collections.abc import Callable, Sequence

import pytest
import redis
from sqlalchemy import Engine

from app.auth.errors import BadCredentials
from app.auth.logins import Logins
from app.auth.passwords import Passwords
from app.auth.signin import SignIn
from app.auth.throttle import Limits, Throttle
from app.wechat_in import BadPush, Refused, read_push
from tests.auth.conftest import client as client
from tests.auth.conftest import directory as directory
from tests.auth.conftest import engine as engine
from tests.auth.conftest import logins as logins
from tests.auth.conftest import passwords as passwords
from tests.auth.conftest import sign_in as sign_in
from tests.auth.conftest import throttle as throttle
from tests.auth.test_signin import wang as wang
from tests.wechat.pushes import NOW_S, OTHER_KEY, account, seal_raw, sealed_push
from tests.wechat.test_abuse import BROKEN

HOME = "10.0.0.1"
MANY = Limits(free_on_account=10**6, free_from_address=10**6)


def medians_ms(calls: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    taken: list[list[float]] = [[] for _ in calls]
    for number in range(rounds):
        order = list(range(len(calls)))
        for which in order if number % 2 else reversed(order):
            began = time.thread_time()
            with contextlib.suppress(BadPush, Refused, BadCredentials):
                calls[which]()
            taken[which].append((time.thread_time() - began) * 1000)
    return [statistics.median(times) for times in taken]


def test_a_cipher_text_is_refused_in_the_same_time_wherever_it_is_wrong() -> None:
    wrong = [BROKEN[name] for name in ("uneven pad", "length beyond the end", "longer appid")]
    sealed = [base64.b64encode(seal_raw(layout)).decode() for layout in wrong]
    sealed.append(base64.b64encode(seal_raw(wrong[0], OTHER_KEY)).decode())
    pushes = [sealed_push(cipher) for cipher in sealed]
    calls = [lambda p=push: read_push(account(), *p, NOW_S) for push in pushes]
    found = medians_ms(calls, 400)
    assert max(found) < min(found) * 1.25 + 0.01, found


@pytest.mark.faults_long
@pytest.mark.usefixtures("wang")
def test_a_wrong_password_and_an_unknown_name_take_the_same_time_within_five_percent(
    engine: Engine, passwords: Passwords, client: redis.Redis, logins: Logins
) -> None:
    sign_in = SignIn(engine, passwords, Throttle(client, MANY), logins, {"wx1"})
    calls = [
        lambda name=name: sign_in.cookie(name, "wrong password", HOME)
        for name in ("wang", "nobody", "kf1@acme", "nobody@acme")
    ]
    found = medians_ms(calls, 41)
    assert max(found) < min(found) * 1.05, found
