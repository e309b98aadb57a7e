"""What is refused: how long the worst body takes, and whether the time of a sign-in tells names."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from app.auth.errors import BadCredentials
from app.auth.logins import Logins
from app.auth.passwords import Passwords
from app.auth.signin import SignIn
from app.auth.throttle import Limits, Throttle
from app.directory.people import PeopleDirectory, Registration
from app.storage import engine as engines
from app.storage.audit import Actor
from app.storage.migrate import migrate
from app.wechat.inbound import BadPush, Refused, read_push
from bench.inside import inside
from bench.rows import Row, markdown, within
from tests.wechat.pushes import NOW_S, account, plain_query
from tests.wechat.test_abuse import ABUSE

BEST_OF = 9
ROUNDS = 41
WORST_MS = 5
APART = 1.05
NO_LIMITS = Limits(free_on_account=10**6, free_from_address=10**6)


def rows() -> list[Row]:
    plain = account("plain")

    def refuse(body: bytes) -> None:
        with contextlib.suppress(BadPush, Refused):
            read_push(plain, plain_query(), body, NOW_S)

    worst = max(min(_cpu_ms(lambda b=b: refuse(b)) for _ in range(BEST_OF)) for b in ABUSE.values())  # type: ignore[misc]
    apart = _names_apart()
    return [
        within("the worst abusive body is refused, CPU", worst, WORST_MS, "ms", 2),
        Row(
            "sign-in: CPU for a wrong password and an unknown name",
            f"{apart:.3f} ×",
            f"≤ {APART} ×",
            apart <= APART,
        ),
    ]


def _names_apart() -> float:
    """The dearest refusal of a sign-in by the cheapest, by the name that was tried."""
    with inside() as office, tempfile.TemporaryDirectory() as folder:
        engine = engines.create(None, Path(folder))
        migrate(engine)
        passwords, logins = Passwords(), Logins(office.redis, b"a secret of the bench")
        wish = Registration("wang", "agent", "correct horse", "小王")
        PeopleDirectory(engine, passwords, logins).register(Actor("bench", "system", 1), wish)
        sign_in = SignIn(engine, passwords, Throttle(office.redis, NO_LIMITS), logins, ())

        def refuse(name: str) -> None:
            with contextlib.suppress(BadCredentials):
                sign_in.cookie(name, "wrong password", "10.0.0.1")

        names = ("wang", "nobody", "nobody@acme")
        found = _medians_ms([lambda n=name: refuse(n) for name in names])  # type: ignore[misc]
        engine.dispose()
    return max(found) / min(found)


def _medians_ms(calls: Sequence[Callable[[], object]]) -> list[float]:
    """Asked in turn and in changing order, so that what else runs meets all alike."""
    taken: list[list[float]] = [[] for _ in calls]
    for number in range(ROUNDS):
        order = list(range(len(calls)))
        for which in order if number % 2 else reversed(order):
            taken[which].append(_cpu_ms(calls[which]))
    return [median(times) for times in taken]


def _cpu_ms(call: Callable[[], object]) -> float:
    began = time.thread_time()
    call()
    return (time.thread_time() - began) * 1000


if __name__ == "__main__":
    print(markdown(rows()))
