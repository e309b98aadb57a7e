"""A node without its web server in this process: the same services, stores and embedded Valkey."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from app import wiring
from app.account import Account
from app.conversations.arrivals import receive
from app.node.context import NodeContext
from app.node.data_lock import DataLock
from app.node.embedded_store import EmbeddedServer
from app.node.tuning import permanent
from bench.lab import LOAD_CORE, SERVER_CORE, pin
from bench.platform import taker
from bench.pushes import openid
from config.settings import load_settings
from sessions.entry import entry_of
from sessions.model import Inbound, Outcome
from sessions.seats import Status
from sessions.store.clients import Redis
from sessions.store.conversations import Opening, SessionStore
from sessions.store.scripts import Scripts
from tests.e2e.world import AES_KEY, Credentials

LEASE_MS = 3_600_000
BATCH = 100
_numbers = itertools.count(1)


@dataclass
class Inside:
    """One official account's use cases; ``store_pid`` is the Valkey's process."""

    account: Account
    redis: Redis
    store_pid: int
    agents: list[str] = field(default_factory=list)

    def staff(self, count: int, seats: int) -> list[str]:
        """So many more agents online and present, seen at once."""
        first = len(self.agents)
        names = [f"bench{n:04d}@kfdemo" for n in range(first, first + count)]
        for name in names:
            self.account.seats.put(name, name, seats, ())
            self.account.seats.set_status(name, Status.ONLINE, refuse_while_holding=False)
        self.account.seats.lease(names, [], "bench", LEASE_MS)
        self.agents += names
        self.account.attendance.refresh()
        return names

    def push(self, user: int) -> Inbound:
        ident = str(next(_numbers))
        return Inbound(
            appid=self.account.appid,
            openid=openid(user),
            to="gh_1",
            created_s=1,
            kind="message",
            type="text",
            event="",
            event_key="",
            msg_id=ident,
            text="请问这件商品还有货吗？",
            media={},
            menu_id="",
            dedup_key=f"m:{openid(user)}:{ident}",
        )

    def says(self, user: int) -> Outcome:
        return receive(self.account, self.push(user))

    def open_many(self, users: Sequence[int]) -> None:
        """Conversations opened by the same script, many to a round trip: in the queue, or seated in turn."""
        queue = _Queued(self.account.store._scripts)
        store = SessionStore(queue, self.account.appid, self.account.store.deadlines, 60_000)
        for number, user in enumerate(users):
            push = self.push(user)
            agent = self.agents[number % len(self.agents)] if self.agents else ""
            store.open(push, self._entry(push), self._opening(agent))
            if number % BATCH == BATCH - 1:
                queue.flush()
        queue.flush()

    def _entry(self, push: Inbound) -> Any:
        return entry_of(push, self.account.policy.opening_keys, self.account.policy.reply_budget)

    def _opening(self, agent: str) -> Opening:
        return Opening(
            group=self.account.plan().routing.default_group,
            priority=0,
            score_credit_ms=0,
            candidates=[(agent, 1.0)] if agent else [],
            queue_max=self.account.policy.queue_max,
            previous="",
            notices={"seated": "serving", "queued": "queue", "full": "queue_full"},
            card="{}",
        )


class _Queued(Scripts):
    """Scripts that are sent together; their answers are not looked at."""

    def __init__(self, of: Scripts) -> None:
        super().__init__(of.client)
        self._pipe = of.client.pipeline(transaction=False)

    def run(self, name: str, prefix: str, *args: str | int | float) -> Any:
        self._pipe.evalsha(self._scripts[name].sha, 1, prefix, *args)
        return ["done", '{"result": "seated"}']

    def flush(self) -> None:
        self._pipe.execute()


@contextlib.contextmanager
def inside(**env: str) -> Iterator[Inside]:
    """Fresh data; sweeps are left to the caller."""
    of = Credentials()
    os.sched_setaffinity(0, {SERVER_CORE})
    with tempfile.TemporaryDirectory(prefix="kfbench-") as folder, taker() as platform:
        data = Path(folder) / "data"
        values = {
            "KF_DATA_DIR": str(data),
            "KF_APPID": of.appid,
            "KF_APP_SECRET": of.secret,
            "KF_TOKEN": of.token,
            "KF_ENCODING_AES_KEY": AES_KEY,
            "KF_WECHAT_ID": of.wechat_id,
            "KF_WECHAT_API_BASE": platform,
            "KF_LOG_LEVEL": "error",
            "KF_SWEEP_S": "3600",
            **env,
        }
        settings = load_settings(values, None)
        lock = DataLock.acquire(data)
        store = EmbeddedServer(data, lock.descriptor)
        store.start()
        assert store.pid
        pin(store.pid, LOAD_CORE)
        with permanent():  # as the launcher does
            services = wiring.build(settings, _context(store.url))
        try:
            served = services.served[of.appid]
            yield Inside(served.account, services.redis, store.pid)
        finally:
            wiring.shutdown()
            store.stop()


def _context(redis_url: str) -> NodeContext:
    return NodeContext(
        redis_url=redis_url,
        embedded=True,
        draining=lambda: False,
        base_url="http://127.0.0.1:9",
        demo=None,
        node_id="bench",
        secret_key=SecretStr("bench-secret-key-0123456789"),
        admin_password=SecretStr("bench-password-1"),
    )
