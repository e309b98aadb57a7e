"""Use cases on the real Redis and a real SQLite file, with agents that come and go at a word."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.account import Account, Policy
from app.conversations import arrivals, replies
from app.conversations.seating import drain
from app.presence.attendance import Attendance
from app.storage import engine as sql_engine
from app.storage.migrate import migrate
from app.storage.records import Records
from app.storage.sql import Engine
from app.wechat.channel import CHANNELS
from config.accounts import AccountKind, OfficialAccount
from routing.document import Plan, Routing
from routing.groups import Group
from routing.presence.local import LocalPresence
from sessions.deadlines import Deadlines
from sessions.messages import Outgoing
from sessions.model import Inbound, Outcome, Session
from sessions.seats import Status
from sessions.store.agents import AgentStore
from sessions.store.clients import store_client
from sessions.store.conversations import Replied, SessionStore
from sessions.store.desk_stream import DeskStream
from sessions.store.outbox import Outbox
from sessions.store.queries import Queries
from sessions.store.scripts import Scripts
from tests.servers import PrivateRedis

GROUP = "general_support"
POLICY = Policy(
    load_factor=1.25,
    queue_max=100,
    affinity_ms=7 * 24 * 3600 * 1000,
    reopen_ms=600_000,
    reply_budget=5,
    transfer_consent=False,
    transfer_ms=60_000,
    grace_ms=30_000,
    priority_credit_ms=60_000,
    opening_keys=frozenset({"人工"}),
)
PLAN = Plan(
    Routing(GROUP, "Asia/Shanghai"),
    {GROUP: Group(GROUP), "premium_support": Group("premium_support", fallback=GROUP)},
)


@dataclass
class Office:
    """One official account with its agents; ``account`` is what the use cases get."""

    account: Account
    wakes: list[str]
    plans: list[Plan]
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def agent(self, name: str, seats: int = 2, groups: Sequence[str] = ()) -> str:
        """A new agent, online and there."""
        self.account.seats.put(name, name, seats, groups)
        return self.comes(name)

    def comes(self, name: str) -> str:
        self.set(name, Status.ONLINE)
        self.account.attendance.stream_opened(name)
        self.account.attendance.refresh()
        return name

    def vanishes(self, name: str) -> None:
        """His last desk is gone; he did not sign off."""
        self.account.attendance.stream_closed(name)
        self.account.attendance.refresh()

    def set(self, name: str, status: Status) -> None:
        self.account.seats.set_status(name, status, refuse_while_holding=False)
        self.account.attendance.refresh()

    def says(self, openid: str, text: str = "你好", **more: Any) -> Outcome:
        """Never in the millisecond of another: who came first could not be told any more."""
        time.sleep(0.001)
        return arrivals.receive(self.account, self.push(openid, text, **more))

    def push(self, openid: str, text: str = "你好", **more: Any) -> Inbound:
        ident = str(next(self.numbers))
        push = Inbound(
            appid=self.account.appid,
            openid=openid,
            to="gh_1",
            created_s=1,
            kind="message",
            type="text",
            event="",
            event_key="",
            msg_id=ident,
            text=text,
            media={},
            menu_id="",
            dedup_key=f"m:{openid}:{ident}",
        )
        return replace(push, **more)

    def replies(self, session_id: str, name: str, text: str = "好") -> Replied:
        message = Outgoing(str(next(self.numbers)), "text", text)
        return replies.reply(self.account, session_id, name, name, message)

    def session(self, session_id: str) -> Session:
        return self.account.store.load(session_id).session

    def grace_over(self, name: str) -> None:
        """As if he had been away longer than the grace."""
        self.account.seats.absent(self.account.attendance.present())
        client = self.account.queries._redis
        client.zadd(self.account.store.keys.of("absent"), {name: 1}, xx=True)

    def timer_due(self, session_id: str, timer: str) -> None:
        """As if the deadline had passed: the stored times are moved back."""
        client, keys = self.account.queries._redis, self.account.store.keys
        long_ago: dict[Any, Any] = {
            "last_active_ms": 1,
            "waiting_since_ms": 1,
            "transfer_expires_ms": 1,
        }
        client.hset(keys.of("session", session_id), mapping=long_ago)
        client.zadd(keys.of("timers"), {f"{session_id}:{timer}": 1}, xx=True)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder: Path = tmp_path_factory.mktemp("sql")
    made = sql_engine.create(None, folder)
    migrate(made)
    yield made
    made.dispose()


@pytest.fixture
def office(redis_server: PrivateRedis, engine: Engine, appid: str) -> Iterator[Office]:
    client = store_client(redis_server.url, 64)
    scripts = Scripts(client)
    store = SessionStore(
        scripts, appid, Deadlines(1_800_000, 86_400_000, 60_000, 180_000, 7_200_000), 60_000
    )
    seats, queries = AgentStore(scripts, appid), Queries(scripts, appid)
    wakes: list[str] = []
    plans = [PLAN]
    account = Account(
        config=OfficialAccount(
            appid=appid,
            app_secret=SecretStr("s"),
            token=SecretStr("token1"),
            callback_mode="plain",
        ),
        channel=CHANNELS[AccountKind.OFFICIAL],
        policy=POLICY,
        store=store,
        seats=seats,
        outbox=Outbox(scripts, appid),
        queries=queries,
        stream=DeskStream(client, client, appid),
        records=Records(engine),
        attendance=Attendance(seats, LocalPresence(), "node1", 30, lambda: GROUP),
        notices=lambda key, **values: f"[{key}]",
        plan=lambda: plans[-1],
        wake_sender=lambda: wakes.append("wake"),
    )
    account.attendance.on_joined = lambda kf: drain(account, kf)
    yield Office(account, wakes, plans)
    client.close()
