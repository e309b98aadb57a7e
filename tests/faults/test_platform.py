"""The platform slow, silent, or cut off while a message is on its way; a message nobody can send."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import pytest

import sessions.store.outbox
from sessions.model import Delivery
from sessions.store.outbox import Claim
from tests.conversations.conftest import Office
from tests.conversations.conftest import engine as engine
from tests.conversations.conftest import office as office
from tests.delivery.test_sender import Post
from tests.delivery.test_sender import post as post
from tests.faults.cluster import Site
from tests.faults.conftest import Sheet, proof
from tests.faults.load import Load
from tests.faults.rows import covers
from tests.support import wait_until

SEND = "/cgi-bin/message/custom/send"


@pytest.fixture(autouse=True)
def healed(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "site" in request.fixturenames:
        request.getfixturevalue("site").heal()


@covers(44)
def test_a_platform_that_accepts_and_says_nothing_does_not_slow_callbacks(
    site: Site, load: Load, sheet: Sheet
) -> None:
    load.staff(4)
    openids = load.crowd(10)
    load.rush(openids)
    wait_until(load.settled, 30)
    site.platform_door.hang()
    pushes = load.rush(openids, each=4)
    slowest = max(push.seconds for push in pushes)
    assert all(push.tries == 1 for push in pushes), "the platform would have waited 5 s for each"
    assert statistics.median(push.seconds for push in pushes) < 2.5
    site.platform_door.reset()
    site.platform_door.flow()
    began = time.monotonic()
    wait_until(load.settled, 60)
    sheet.recovered(time.monotonic() - began)
    proof(load, sheet)
    sheet.held(f"slowest callback {slowest:.2f} s")


@covers(45)
def test_answers_of_the_platform_that_are_cut_make_unknown_messages_and_no_second_send(
    site: Site, load: Load, sheet: Sheet
) -> None:
    load.staff(3)
    openids = load.crowd(6)
    load.rush(openids)
    wait_until(load.settled, 30)
    site.platform_door.cut_reply(b"/custom/send", times=5)
    load.rush(openids, each=2)
    wait_until(load.settled, 60)
    proof(load, sheet)
    assert site.platform_door.cuts >= 3
    assert "0 unknown" not in sheet.figures["replies"]
    sheet.held("shown as unknown, never repeated by itself")


@covers(14, long=True)
def test_a_node_killed_while_it_sends_leaves_unknown_messages_and_nothing_twice(
    site: Site, load: Load, sheet: Sheet
) -> None:
    east, west = site.nodes
    load.staff(3, [east.url, west.url])
    openids = load.crowd(6)
    site.platform.faults({"path": SEND, "latency_ms": 2500})
    load.rush(openids, each=2)
    east.kill9()
    began = time.monotonic()
    site.platform.faults()
    load.again_s = 1.0
    load.rush(openids)
    wait_until(load.settled, 90)
    sheet.recovered(time.monotonic() - began)
    proof(load, sheet)
    sheet.held("taken over after the claim's 30 s")
    east.start()


@pytest.mark.faults_long  # its time limits need a quiet machine
@covers(15)
def test_a_message_that_breaks_the_sender_stops_nobody_else_and_is_shown(
    post: Post, office: Office, monkeypatch: pytest.MonkeyPatch, sheet: Sheet
) -> None:
    monkeypatch.setattr(sessions.outbox, "CLAIM_LEASE_MS", 300)
    deliver = post.sender._deliver

    def breaks(openid: str, message: dict[str, object]) -> None:
        if message["text"] == "毒":
            raise ValueError("no code foresaw this")
        deliver(openid, message)

    monkeypatch.setattr(post.sender, "_deliver", breaks)
    bad = office.says("o1").session_id
    good = office.says("o2").session_id
    office.replies(bad, "a@x", "毒")
    office.replies(good, "a@x", "好")
    for _ in range(3):
        post.sender._active += 1
        post.sender._run()

    def status(sid: str) -> str:
        message = office.account.queries.message(sid, 2)
        return str(message and message["status"])

    wait_until(lambda: status(good) == Delivery.SENT)  # a thread that was woken may have it
    claims: list[Claim | None] = []
    wait_until(
        lambda: (
            claims.append(office.account.outbox.claim(f"t{len(claims)}"))
            or status(bad) == "unknown"
        ),
        10,
    )
    assert [ident for ident, _ in office.account.queries.dead_letters(10)] == [f"{bad}.2"]
    sheet.held("dead letter after one claim; others flowed")
