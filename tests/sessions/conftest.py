"""One official account on the real Redis, with short words for what tests do to it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from sessions.deadlines import Deadlines
from sessions.entry import entry_of
from sessions.messages import Outgoing, outgoing_body
from sessions.model import Inbound, Outcome
from sessions.seats import Status
from sessions.store.agents import AgentStore
from sessions.store.clients import store_client
from sessions.store.conversations import Newcomer, Opening, Replied, SessionStore
from sessions.store.desk_stream import DeskStream
from sessions.store.outbox import Outbox
from sessions.store.queries import Queries
from sessions.store.scripts import Scripts
from tests.servers import PrivateRedis

DEADLINES = Deadlines(1_800_000, 86_400_000, 60_000, reply_ms=180_000, limit_ms=7_200_000)
GROUP = "general_support"
OTHER_STORE = "TEST_REDIS_URL"


@dataclass
class Bench:
    """The stores of one account and a counter for message ids."""

    scripts: Scripts
    appid: str
    reply_budget: int = 5
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.store = SessionStore(self.scripts, self.appid, DEADLINES, 60_000)
        self.seats = AgentStore(self.scripts, self.appid)
        self.outbox = Outbox(self.scripts, self.appid)
        self.queries = Queries(self.scripts, self.appid)
        self.stream = DeskStream(self.scripts.client, self.scripts.client, self.appid)

    def agent(self, name: str, seats: int = 2, groups: Sequence[str] = (GROUP,)) -> str:
        self.seats.put(name, name, seats, groups)
        self.seats.set_status(name, Status.ONLINE, refuse_while_holding=False)
        return name

    def push(self, openid: str, text: str = "你好", msg_id: str = "", **more: object) -> Inbound:
        ident = msg_id or str(next(self.numbers))
        values = {
            "appid": self.appid,
            "openid": openid,
            "to": "gh_1",
            "created_s": 1,
            "kind": "message",
            "type": "text",
            "event": "",
            "event_key": "",
            "msg_id": ident,
            "text": text,
            "media": {},
            "menu_id": "",
            "dedup_key": f"m:{openid}:{ident}",
        }
        return Inbound(**(values | more))  # type: ignore[arg-type]

    def arrive(self, push: Inbound, agents: Sequence[str] = (), queue_max: int = 1000) -> Outcome:
        """Receives the push, and opens with these candidates where a conversation is to begin."""
        entry = entry_of(push, frozenset(), self.reply_budget)
        got = self.store.receive(push, entry)
        if not isinstance(got, Newcomer):
            return got
        opening = Opening(
            group=GROUP,
            priority=0,
            score_credit_ms=0,
            candidates=[(name, 1.25 / max(1, len(agents))) for name in agents],
            queue_max=queue_max,
            previous="",
            notices={"seated": "serving", "queued": "queue", "full": "queue_full"},
            card="{}",
        )
        return self.store.open(push, entry, opening)

    def reply(self, session_id: str, kf_account: str, client_id: str, text: str = "好") -> Replied:
        message = Outgoing(client_id, "text", text)
        body = outgoing_body(message, kf_account, kf_account)
        return self.store.reply(session_id, kf_account, message, body, None)

    def texts(self, session_id: str) -> list[str]:
        return [m["text"] for m in self.queries.messages(session_id, 0, 100)]


@pytest.fixture(scope="session")
def scripts(redis_server: PrivateRedis) -> Scripts:
    """On one server, or on the store that the fault table's run names (a cluster)."""
    made = Scripts(store_client(os.environ.get(OTHER_STORE) or redis_server.url, 64))
    made.prepare(connections=1)
    return made


@pytest.fixture
def bench(scripts: Scripts, appid: str) -> Bench:
    return Bench(scripts, appid)
