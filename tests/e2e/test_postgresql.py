"""The main job on PostgreSQL, directly and through PgBouncer, also while the server is stopped or frozen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
import requests
from sqlalchemy import make_url

from tests.e2e.world import ADMIN_PASSWORD, Agent, Caller, Credentials, Node, Platform, register
from tests.postgres import Databases, PrivateBouncer, PrivatePostgres, pgbouncer_missing
from tests.support import need, wait_until

WAYS = ("directly", "through PgBouncer")
PUSH_S = 2.0
"""WeChat waits five seconds; no push may depend on the database."""
REFUSED_S = 10.0
NEED_SQL = ("/search?q=发票", "/admin/audit", "/admin/export/conversations")


@dataclass
class Office:
    """A node with two agents on a database of its own."""

    server: PrivatePostgres
    database: str
    platform: Platform
    node: Node
    admin: Caller
    agents: tuple[Agent, Agent]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def customer(self) -> str:
        """Somebody new, who follows the account."""
        openid = f"oE2ePostgres{next(self.numbers):016d}"
        self.platform.follow(openid)
        return openid

    def writes(self, openid: str, text: str) -> None:
        """The push is taken within ``PUSH_S``, whatever the database does."""
        began = time.monotonic()
        assert self.node.push_text(openid, text, next(self.numbers)) == 200
        assert time.monotonic() - began < PUSH_S
        self.platform.heard(openid)

    def served(self, openid: str) -> tuple[Agent, str]:
        """Whoever serves the customer, and the conversation."""
        for agent in self.agents:
            for session in agent.mine():
                if session["openid"] == openid:
                    return agent, session["id"]
        raise AssertionError(f"nobody serves {openid}")

    def answered(self, openid: str, text: str) -> tuple[Agent, str]:
        """Whoever serves the customer replied, and the reply arrived."""
        agent, session = self.served(openid)
        agent.reply(session, text)
        wait_until(lambda: text in [row["text"] for row in self.platform.received(openid)])
        return agent, session

    def rows(self, table: str, session: str) -> int:
        """How many rows of a conversation PostgreSQL itself has."""
        column = "id" if table == "sessions_archive" else "session_id"
        with self.server.connect(self.database) as conn:
            row = conn.execute(
                f"SELECT count(*) FROM {table} WHERE {column} = %s",
                [session],
            ).fetchone()
        return int(row[0]) if row else 0

    def archived(self, session: str) -> None:
        wait_until(lambda: self.rows("sessions_archive", session), 30)

    def sign_in(self) -> tuple[int, float]:
        """The status of a sign-in and the seconds that it took."""
        began = time.monotonic()
        body = {"username": "admin", "password": ADMIN_PASSWORD}
        answer = requests.post(f"{self.node.url}/api/v1/tokens", json=body, timeout=30)
        return answer.status_code, time.monotonic() - began


@pytest.fixture(scope="module", params=WAYS)
def office(
    request: pytest.FixtureRequest,
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Office]:
    credentials, server = Credentials(), databases.server
    with ExitStack() as last:
        url = last.enter_context(databases.empty())
        name = str(make_url(url).database)
        if request.param == "through PgBouncer":
            need(pgbouncer_missing())
            bouncer = PrivateBouncer(server)
            last.callback(bouncer.remove)
            bouncer.start()
            url = bouncer.url(name)
        else:
            url = server.tcp_url(name)
        platform = Platform(credentials)
        last.callback(platform.stop)
        folder = tmp_path_factory.mktemp("node")
        node = Node(folder, credentials, platform, KF_DATABASE_URL=url)
        last.callback(node.stop)
        node.start()
        admin = Caller(node.url, "admin", ADMIN_PASSWORD)
        names = [register(admin, prefix, max_sessions=20) for prefix in ("first", "second")]
        first, second = (Agent(node.url, name, "agent-password-1").online() for name in names)
        yield Office(server, name, platform, node, admin, (first, second))


def test_a_conversation_from_its_first_push_to_its_erasing(office: Office) -> None:
    customer = office.customer()
    office.writes(customer, "我要开发票")
    owner, session = office.answered(customer, "请稍等")
    other = next(agent for agent in office.agents if agent is not owner)
    owner.post(f"/sessions/{session}/transfer", to_kf_account=other.kf_account, note="老客户")
    office.answered(customer, "您好，我来帮您")
    other.post(f"/sessions/{session}/close", reason="agent")
    office.archived(session)

    found = other.get("/search", q="发票")
    assert [hit["session"]["state"] for hit in found] == ["CLOSED"]
    said = [row["text"] for row in other.messages(session) if row["direction"] != "system"]
    assert said == ["我要开发票", "请稍等", "您好，我来帮您"]
    table = office.admin.call("GET", "/admin/export/messages").content.decode("utf-8-sig")
    assert "我要开发票" in table and session in table

    done = office.admin.post(f"/admin/customers/{customer}/erase", reason="asked for it")
    assert done["sql"]["sessions_archive"] == 1
    assert office.rows("messages_archive", session) == office.rows("sessions_archive", session) == 0
    assert other.get("/search", q="发票") == []


def test_a_stopped_server_costs_no_push_and_no_reply_and_what_closes_is_archived_later(
    office: Office,
) -> None:
    known, customer = office.customer(), office.customer()
    office.writes(known, "在吗")
    office.server.stop()
    try:
        office.writes(known, "还在吗")
        office.writes(customer, "我是新来的")
        owner, session = office.answered(known, "在的")
        office.answered(customer, "您好")
        owner.post(f"/sessions/{session}/close", reason="agent")
        status, took = office.sign_in()
        assert status == 503 and took < REFUSED_S
        for path in NEED_SQL:
            assert office.admin.call("GET", path).status_code == 503, path
    finally:
        office.server.start()
    office.archived(session)
    assert wait_until(lambda: office.sign_in()[0] == 200, 30)
    said = [row["text"] for row in owner.messages(session) if row["direction"] != "system"]
    assert said == ["在吗", "还在吗", "在的"]


def test_a_frozen_server_costs_no_push_and_no_reply_and_refuses_six_sign_ins_within_seconds(
    office: Office,
) -> None:
    known, customer = office.customer(), office.customer()
    office.writes(known, "在吗")
    office.server.freeze()
    try:
        with ThreadPoolExecutor(6) as threads:
            asked = [threads.submit(office.sign_in) for _ in range(6)]
            office.writes(known, "还在吗")
            office.writes(customer, "我是新来的")
            owner, session = office.answered(known, "在的")
            owner.post(f"/sessions/{session}/close", reason="agent")
            answers = [one.result() for one in asked]
        assert [status for status, _ in answers] == [503] * 6
        assert max(took for _, took in answers) < REFUSED_S
        assert office.admin.call("GET", "/admin/audit").status_code == 503
    finally:
        office.server.thaw()
    office.archived(session)
    assert wait_until(lambda: office.sign_in()[0] == 200, 30)
    office.answered(customer, "您好")


@pytest.fixture
def early(
    databases: Databases, credentials: Credentials, platform: Platform, tmp_path: Path
) -> Iterator[Node]:
    """A node that was launched before its database server, and waits."""
    with databases.empty() as url:
        node = Node(tmp_path, credentials, platform, KF_DATABASE_URL=url)
        databases.server.stop()
        try:
            node.launch()
            wait_until(lambda: node.log().count("kfring: waiting: the database") > 1, 30)
            yield node
        finally:
            node.stop()
            if not databases.server.alive():
                databases.server.start()


def test_a_node_that_starts_before_its_server_waits_for_it(
    early: Node, databases: Databases
) -> None:
    assert "KF_DATABASE_URL" in early.log()
    databases.server.start()
    early.await_ready()


def test_a_node_that_waits_for_its_server_stops_when_it_is_asked_to(early: Node) -> None:
    early.ask_to_stop()
    assert early.process is not None
    early.process.wait(10)
