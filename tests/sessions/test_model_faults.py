"""The same random life on a store that loses replies and is killed, with nodes that die while they send.

Whoever gets no answer asks again with the same operation id, as callers do; an operation that was done
comes once more later, as a network may bring it. Beside the promises of the walk it extends, each accepted
reply reaches the platform at most once and is never lost from sight.
"""

from __future__ import annotations

import secrets
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sessions.machine import Details, Event
from sessions.model import Delivery, State, StoreDown
from sessions.store.clients import store_client
from sessions.store.conversations import NoRoom
from sessions.store.outbox import Claim, Verdict
from sessions.store.scripts import Scripts
from tests.conftest import need
from tests.faults.toxic import Toxic
from tests.servers import PrivateRedis, redis_missing
from tests.sessions.test_model import AGENTS, CUSTOMERS, Conversations

ONCE: Final = {"receive", "open", "commit", "drain", "reply", "claim", "settle"}
"""Steps whose first result is kept under an operation id, a duplicate key or a client_id."""

KILLS_MAX: Final = 2
KEPT: Final = 30


class Insisting(Scripts):
    """Asks again with the very same words where no answer came, and remembers what was done."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.done: deque[tuple[str, str, tuple[Any, ...], Any]] = deque(maxlen=KEPT)

    def run(self, name: str, prefix: str, *args: str | int | float) -> Any:
        result = self.again(name, prefix, args)
        if name in ONCE and took_effect(name, result):
            self.done.append((name, prefix, args, result))
        return result

    def again(self, name: str, prefix: str, args: tuple[Any, ...]) -> Any:
        try:
            return super().run(name, prefix, *args)
        except StoreDown:
            return super().run(name, prefix, *args)


def took_effect(name: str, result: Any) -> bool:
    """A refusal changed nothing and is not kept: later the same may be possible."""
    if name in ("receive", "open"):
        return bool(result[0] != "new")
    if name == "reply":
        return result[0] in ("ok", "repeat")
    return result not in ("conflict", "gone", "full", "stale", "[]", [])


def told(name: str, result: Any) -> Any:
    """What a result says, whether it is the first or a repeated one."""
    return result[1:] if name in ("receive", "open", "reply") else result


@dataclass(frozen=True)
class Sending:
    """A message that a node holds in its hands; ``took``: the platform has it."""

    claim: Claim
    took: bool


class Faulty(Conversations):
    """``server`` and ``door`` (the proxy before it) are set by the test."""

    server: PrivateRedis
    door: Toxic
    kills = 0

    @initialize()
    def begin(self) -> None:
        super().begin()
        self.hands: list[Sending] = []
        self.taken: Counter[str] = Counter()
        self.kills = 0

    def answers_cut(self) -> int:
        return self.door.cuts

    @rule(times=st.integers(1, 2))
    def the_next_answers_are_cut(self, times: int) -> None:
        self.door.cut_reply(b"EVALSHA", times)

    @precondition(lambda self: self.kills < KILLS_MAX)
    @rule()
    def redis_is_killed_and_started_again(self) -> None:
        self.kills += 1
        self.server.restart()

    @precondition(lambda self: self.scripts.done)
    @rule(number=st.integers(0, KEPT))
    def something_that_was_done_is_asked_for_again(self, number: int) -> None:
        name, prefix, args, result = self.scripts.done[number % len(self.scripts.done)]
        if prefix == self.bench.store.keys.prefix:
            assert told(name, self.scripts.again(name, prefix, args)) == told(name, result)

    @rule(number=st.integers(0, 9), to=st.sampled_from(AGENTS))
    def somebody_is_assigned(self, number: int, to: str) -> None:
        session = self.pick(number, State.WAITING)
        if session is None:
            return
        try:
            self.commit(session, (Event.SEATED, Details(kf_account=to)))
        except NoRoom:
            assert self.bench.store.load(session.id).session == session

    @rule(took=st.booleans(), unclear=st.booleans())
    def sender_sends_one(self, took: bool, unclear: bool) -> None:
        before = len(self.hands)
        self.a_node_begins_to_send(took)
        if len(self.hands) > before:
            self.a_node_ends_a_send(before, unclear)

    @rule(took=st.booleans())
    def a_node_begins_to_send(self, took: bool) -> None:
        claim = self.bench.outbox.claim(secrets.token_hex(4))
        if claim is not None:
            assert claim.message is not None
            self.taken[claim.message["id"]] += took
            self.hands.append(Sending(claim, took))

    @precondition(lambda self: self.hands)
    @rule(number=st.integers(0, 9), unclear=st.booleans())
    def a_node_ends_a_send(self, number: int, unclear: bool) -> None:
        sending = self.hands.pop(number % len(self.hands))
        claim, outbox = sending.claim, self.bench.outbox
        if not sending.took and not unclear:
            outbox.again(claim, 0)
        elif sending.took and not unclear:
            outbox.settle(claim, Delivery.SENT, Verdict.SPENT, 0, "")
        else:
            outbox.settle(claim, Delivery.UNKNOWN, Verdict.SPENT, 0, "?")

    @precondition(lambda self: self.hands)
    @rule()
    def a_node_dies_with_all_it_has_in_its_hands(self) -> None:
        self.hands.clear()

    @rule()
    def every_claims_lease_runs_out(self) -> None:
        """Of nodes that died and of nodes that are only slow."""
        client, keys = self.scripts.client, self.bench.store.keys
        for openid in client.zrange(keys.of("outbox_due"), 0, -1):
            client.zadd(keys.of("outbox_due"), {openid: 1}, xx=True)

    @invariant()
    def every_accepted_reply_reaches_the_platform_at_most_once_and_is_not_lost(self) -> None:
        keys, client = self.bench.store.keys, self.scripts.client
        waiting: Counter[str] = Counter()
        for openid in CUSTOMERS:
            items = client.lrange(keys.of("outbox", openid), 0, -1)
            held = client.hget(keys.of("claim", openid), "item")
            waiting.update(ident(item) for item in [*items, *([held] if held else [])])
        for message in self.outgoing():
            sent, status = self.taken[message["id"]], message["status"]
            assert sent <= 1
            assert waiting[message["id"]] == (1 if status == "pending" else 0), message
            assert status != "sent" or sent == 1
            assert status in ("pending", "sent", "unknown")

    def outgoing(self) -> Iterator[dict[str, Any]]:
        queries = self.bench.queries
        for session in queries.sessions([*queries.live(0, 100), *queries.closed(1000)]):
            for message in queries.messages(session.id, 0, 500):
                if message["direction"] == "out":
                    yield message


def ident(item: str) -> str:
    """The message that an item of the outbox stands for."""
    session_id, seq = item.split(" ")[:2]
    return f"{session_id}.{seq}"


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[PrivateRedis]:
    need(redis_missing())
    server = PrivateRedis(tmp_path, "always")
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize(
    "examples",
    [12, pytest.param(150, marks=pytest.mark.faults_long)],
)
@pytest.mark.timeout(1200)
def test_random_lives_keep_every_promise_through_cut_replies_restarts_and_dying_nodes(
    own_server: PrivateRedis, examples: int
) -> None:
    door = Toxic(own_server.port)
    Faulty.server, Faulty.door = own_server, door
    Faulty.scripts = Insisting(store_client(f"redis://{door.address}/0", 8))
    try:
        run_state_machine_as_test(
            Faulty,
            settings=settings(
                max_examples=examples,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        Faulty.scripts.client.close()
        door.down()
