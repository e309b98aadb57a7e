"""From the outbox to the platform: what each answer does to the message, its budget and the next try."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from app.delivery import sender
from app.delivery.payloads import Payloads
from app.delivery.quota import QuotaHold, SendQuota
from app.delivery.sender import RETRY_DELAYS_MS, Sender
from app.media.library import Library
from app.storage.sql import Engine, StorageDown
from app.wechat.api import WeChatApi, new_http
from sessions.budget import budget
from sessions.store.outbox import Claim
from tests.conversations.conftest import Office
from tests.support import free_port, wait_until
from tests.wechat.conftest import FixedTokens
from tests.wechat.platform import Platform, Reply, Request, error, running_platform

SEND = "/cgi-bin/message/custom/send"


@dataclass
class Post:
    """A sender between an office and a platform that answers as told; ``refused`` are its speakers."""

    office: Office
    platform: Platform
    sender: Sender
    refused: list[tuple[str, int]]

    def reply(self, text: str = "好") -> str:
        """An agent's reply to a new customer; the conversation's id."""
        session_id = self.office.says("o1").session_id
        self.office.replies(session_id, "a@x", text)
        return session_id

    def replies(self, count: int) -> None:
        """So many to different customers, all due."""
        for number in range(count):
            session_id = self.office.says(f"o{number}").session_id
            self.office.replies(session_id, "a@x", "好")

    def send_one(self) -> bool:
        claim = self.office.account.outbox.claim(f"t{time.monotonic_ns()}")
        if claim is None:
            return False
        self.sender.send(claim)
        return True

    def status(self, session_id: str) -> dict[str, Any]:
        message = self.office.account.queries.message(session_id, 2)
        assert message is not None
        return message

    def left(self) -> int:
        customer, now_ms = self.office.account.store.customer("o1")
        return budget(customer.buckets, now_ms).remaining

    def sent(self) -> list[Any]:
        return [request.json for request in self.platform.seen(SEND)]

    def due_now(self) -> None:
        """As if the time before the next attempt had passed."""
        account = self.office.account
        account.queries._redis.zadd(account.store.keys.of("outbox_due"), {"o1": 1}, xx=True)


@pytest.fixture
def post(office: Office, engine: Engine) -> Iterator[Post]:
    office.account.seats.put("a@x", "小林", 20, (), platform="registered")
    office.comes("a@x")
    refused: list[tuple[str, int]] = []
    pool = ThreadPoolExecutor(sender.SENDERS)
    with running_platform() as platform, new_http() as http:
        yield _post(office, engine, platform, platform.base_url, http, pool, refused)
    pool.shutdown()


def _post(
    office: Office,
    engine: Engine,
    platform: Platform,
    base_url: str,
    http: Any,
    pool: ThreadPoolExecutor,
    refused: list[tuple[str, int]],
) -> Post:
    account = office.account
    api = WeChatApi(account.config, FixedTokens(), base_url, http)
    payloads = Payloads(
        account.channel,
        api,
        Library(engine, account.appid),
        lambda kf, code: refused.append((kf, code)),
    )
    hold = QuotaHold(SendQuota(account.queries._redis, account.appid), account.appid)
    return Post(
        office,
        platform,
        Sender(account.appid, account.outbox, account.attendance, api, payloads, pool, hold),
        refused,
    )


def test_an_accepted_message_is_sent_once_under_the_agents_name(post: Post) -> None:
    sid = post.reply()
    assert post.send_one()
    assert not post.send_one()
    assert post.status(sid)["status"] == "sent"
    assert [body["customservice"] for body in post.sent()] == [{"kf_account": "a@x"}]
    assert post.left() == 4


def test_a_send_without_a_clear_answer_is_unknown_and_never_repeated_by_itself(post: Post) -> None:
    post.platform.answer = lambda _request: Reply(cut=True)
    sid = post.reply()
    assert post.send_one()
    post.due_now()
    assert not post.send_one()
    message = post.status(sid)
    assert message["status"] == "unknown"
    assert message["error"]["reason"]
    assert len(post.sent()) == 1
    assert post.left() == 4


def test_a_platform_that_is_busy_is_asked_again_in_order_and_then_given_up(post: Post) -> None:
    post.platform.answer = lambda _request: error(-1)
    sid = post.reply()
    for _ in range(len(RETRY_DELAYS_MS)):
        assert post.send_one()
        assert post.status(sid)["status"] == "pending"
        assert not post.send_one()
        post.due_now()
    assert post.send_one()
    assert post.status(sid)["status"] == "failed"
    assert post.status(sid)["error"]["errcode"] == -1
    assert len(post.sent()) == 1 + len(RETRY_DELAYS_MS)
    assert post.left() == 5


def test_where_nobody_listens_nothing_was_sent_and_it_is_tried_again(
    office: Office, engine: Engine, post: Post
) -> None:
    with new_http() as http, ThreadPoolExecutor(1) as pool:
        nowhere = f"http://127.0.0.1:{free_port()}"
        away = _post(office, engine, post.platform, nowhere, http, pool, [])
        sid = away.reply()
        assert away.send_one()
    assert post.status(sid)["status"] == "pending"
    post.due_now()
    assert post.send_one()
    assert post.status(sid)["status"] == "sent"


@pytest.mark.parametrize("errcode", [65400, 65401, 65402, 61452])
def test_an_agent_the_platform_does_not_know_speaks_in_the_accounts_name(
    post: Post, errcode: int
) -> None:
    def answer(request: Request) -> Reply:
        return error(errcode) if "customservice" in request.json else Reply()

    post.platform.answer = answer
    sid = post.reply()
    assert post.send_one()
    assert post.status(sid)["status"] == "sent"
    assert ["customservice" in body for body in post.sent()] == [True, False]
    assert post.refused == [("a@x", errcode)]


def test_a_database_that_is_away_costs_an_attempt_and_not_the_message(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StorageDown("no database")

    sid = post.reply()
    monkeypatch.setattr("app.delivery.payloads.Payloads.of", away)
    assert post.send_one()
    assert post.status(sid)["status"] == "pending"
    monkeypatch.undo()
    post.due_now()
    assert post.send_one()
    assert post.status(sid)["status"] == "sent"


@pytest.mark.parametrize(("errcode", "left"), [(45047, 0), (45015, 0), (40003, 5)])
def test_a_refusal_is_final_and_corrects_the_budget(post: Post, errcode: int, left: int) -> None:
    post.platform.answer = lambda _request: error(errcode)
    sid = post.reply()
    assert post.send_one()
    post.due_now()
    assert not post.send_one()
    assert post.status(sid)["status"] == "failed"
    assert post.status(sid)["error"]["errcode"] == errcode
    assert len(post.sent()) == 1
    assert post.left() == left


def test_one_sends_while_the_platform_is_quick(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "SLOW_S", 60.0)
    threads = set[str]()

    def deliver(claim: Claim) -> None:
        threads.add(threading.current_thread().name)
        send(claim)

    send = post.sender.send
    monkeypatch.setattr(post.sender, "send", deliver)
    post.replies(12)
    post.sender.wake()
    wait_until(lambda: len(post.sent()) == 12, 10)
    assert len(threads) == 1


def test_several_send_at_once_where_each_waits_for_the_platform(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "SLOW_S", 0.0)
    together = threading.Barrier(4)

    def answer(_request: Request) -> Reply:
        if len(post.platform.requests) > 1:
            together.wait(10)
        return Reply()

    post.platform.answer = answer
    post.replies(5)
    post.sender.wake()
    wait_until(lambda: len(post.sent()) == 5 and not together.n_waiting, 10)
    assert not together.broken


def test_one_that_is_stuck_does_not_keep_the_others_waiting(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "SLOW_S", 0.05)
    stuck, go_on = threading.Event(), threading.Event()

    def answer(_request: Request) -> Reply:
        if not stuck.is_set():
            stuck.set()
            go_on.wait(20)
        return Reply()

    post.platform.answer = answer
    post.replies(8)
    post.sender.wake()
    assert stuck.wait(10)
    (began,) = post.sender._began.values()
    wait_until(lambda: time.monotonic() - began > sender.SLOW_S, 10)
    post.sender.wake()
    wait_until(lambda: len(post.sent()) == 8, 10)
    go_on.set()
