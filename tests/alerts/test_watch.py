"""The team's robot is a local web server; Redis is real; several nodes look at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from app.alerts.board import LEASE, STANDING, AlarmBoard
from app.alerts.conditions import Limits
from app.alerts.watch import Watch, Watched, quota_listener
from app.alerts.webhook import Webhook
from tests.conversations.conftest import Office, engine, office
from tests.support import free_port

__all__ = ["engine", "office"]


@dataclass
class Robot:
    """What the group sees; ``answers`` are taken from the front, then all is well."""

    url: str = ""
    seen: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[int, bytes]] = field(default_factory=list)

    def texts(self) -> str:
        return "\n".join(m["text"]["content"] for m in self.seen)


@pytest.fixture
def robot() -> Iterator[Robot]:
    made = Robot()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = made.answers.pop(0) if made.answers else (200, b'{"errcode":0}')
            if status == 200 and b'"errcode":0' in answer:
                made.seen.append(json.loads(body))
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/cgi-bin/webhook/send?key=secret-key"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Tower:
    """Several nodes that watch one account; ``trouble`` is what its tokens say."""

    office: Office
    board: AlarmBoard
    url: str
    trouble: str = ""
    database_up: bool = True

    def node(self, name: str, wait_s: int = 300) -> Watch:
        watched = Watched(self.office.account, lambda: self.trouble)
        robot = Webhook(self.url, (0.01, 0.01))
        limits = Limits(wait_s * 1000, 2)
        return Watch(
            self.board, robot, [watched], limits, name, 15_000, "text", lambda: self.database_up
        )


@pytest.fixture
def tower(office: Office, robot: Robot) -> Iterator[Tower]:
    client = office.account.queries._redis
    client.delete(LEASE, STANDING)
    yield Tower(office, AlarmBoard(client), robot.url)
    client.delete(LEASE, STANDING)


def test_a_customer_who_waits_too_long_is_told_by_one_node_only(tower: Tower, robot: Robot) -> None:
    sid = tower.office.says("o1").session_id
    tower.office.timer_due(sid, "wait")
    for _ in range(3):
        for name in ("node1", "node2"):
            tower.node(name).look()
    assert len(robot.seen) == 1
    assert "最久等待" in robot.texts()


def test_another_node_goes_on_where_the_leader_left_off(tower: Tower, robot: Robot) -> None:
    sid = tower.office.says("o1").session_id
    tower.office.timer_due(sid, "wait")
    tower.node("node1").look()
    tower.office.account.queries._redis.delete(LEASE)
    tower.node("node2").look()
    assert len(robot.seen) == 1


def test_a_robot_that_is_away_is_tried_three_times_and_again_in_the_next_round(
    tower: Tower, robot: Robot
) -> None:
    tower.trouble = "40125"
    robot.answers = [(500, b""), (200, b'{"errcode":45009}'), (200, b"<html>")]
    node = tower.node("node1")
    node.look()
    assert robot.seen == [] and robot.answers == []
    node.look()
    assert "错误码 40125" in robot.texts()
    node.look()
    assert len(robot.seen) == 1


def test_a_quota_that_is_used_up_is_told(tower: Tower, robot: Robot) -> None:
    quota_listener(tower.board, tower.office.account.appid)(45009)
    tower.node("node1").look()
    assert "错误码 45009" in robot.texts()


def test_a_database_that_is_away_is_told_once_whatever_the_number_of_accounts(
    tower: Tower, robot: Robot
) -> None:
    tower.database_up = False
    node = tower.node("node1")
    node._watched = [*node._watched, *node._watched]
    node.look()
    long_ago = {"database": {"bad_since_ms": 1}}
    tower.board.keep("stores", long_ago)
    node.look()
    node.look()
    assert len(robot.seen) == 1
    assert "数据库没有回应" in robot.texts() and "节点 node1" in robot.texts()


def test_messages_that_fail_one_after_another_are_told(tower: Tower, robot: Robot) -> None:
    account = tower.office.account
    now_ms = tower.board.now_ms()
    dead = {"s1.1": now_ms, "s1.2": now_ms, "old.1": now_ms - 700_000}
    account.queries._redis.zadd(account.store.keys.of("dead"), dead)
    tower.node("node1").look()
    assert "2 条消息未送达" in robot.texts()


def test_a_robot_nobody_listens_at_blocks_nothing_and_its_key_stands_in_no_log(
    tower: Tower, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    tower.url = f"http://127.0.0.1:{free_port()}/send?key=secret-key"
    tower.trouble = "40125"
    tower.node("node1").look()
    printed = capsys.readouterr()
    assert "secret-key" not in caplog.text + printed.out + printed.err
