"""What people wrote, their numbers and all secrets stay out of the log, whatever goes wrong."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
import requests
import structlog

from app.node import logs
from tests.e2e.conftest import admin as admin
from tests.e2e.conftest import credentials as credentials
from tests.e2e.conftest import node as node
from tests.e2e.conftest import platform as platform
from tests.e2e.world import ADMIN_PASSWORD, AES_KEY, Agent, Caller, Node, Platform, register
from tests.support import wait_until

WORDS = "十分机密的话"
PHONE, WIDE_PHONE = (
    "13912345678",
    "\uff11\uff13\uff19\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18",
)
CARD = "11010519491231002X"
BODY = f"{WORDS} {PHONE} {WIDE_PHONE} {CARD}"
MARKS = (WORDS, PHONE, WIDE_PHONE, CARD)
SEND = "/cgi-bin/message/custom/send"
PASSWORD = "agent-password-1"


def settled(anna: Agent, sid: str) -> bool:
    return all(m["status"] != "pending" for m in anna.messages(sid))


def replies(anna: Agent, platform: Platform, sid: str) -> None:
    """One that is taken, then every way in which one is not."""
    platform.faults()
    anna.reply(sid, BODY)
    wait_until(lambda: settled(anna, sid))
    for fault in ({"errcode": 45009}, {"errcode": 40003}, {"html": True}, {"errcode": 45015}):
        platform.faults({"path": SEND, "count": 1, **fault})
        anna.reply(sid, BODY)
        wait_until(lambda: settled(anna, sid))
    platform.faults()


def refusals(anna: Agent, admin: Caller, node: Node, sid: str) -> None:
    """Words and numbers where they do not belong, or are not accepted."""
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", f"/sessions/{sid}/messages", {"client_id": BODY, "text": BODY}),
        ("POST", f"/sessions/{sid}/messages", {"client_id": "late", "text": BODY}),
        ("POST", f"/sessions/{sid}/transfer", {"to_kf_account": BODY, "note": BODY}),
        ("POST", f"/customers/{PHONE}/notes", {"text": BODY}),
        ("POST", "/canned-replies", {"title": WORDS, "text": BODY, "more": BODY}),
        ("PATCH", "/customers/o1", {"remark": BODY, "tags": [PHONE]}),
        ("PUT", "/customers/o1/facts", {"phone": PHONE, WORDS: 1}),
        ("GET", f"/sessions/{PHONE}?after={BODY}", {}),
        ("GET", f"/sessions?cursor={BODY}", {}),
    ]
    for method, path, body in calls:
        for caller in (anna, admin):
            caller.call(method, path, json=body or None)
    broken = f'{{"title": "{BODY}'.encode()
    headers = {"Content-Type": "application/json"}
    anna.session.post(f"{node.url}/api/v1/canned-replies", data=broken, headers=headers, timeout=9)
    for name in (PHONE, "admin"):
        guess = {"username": name, "password": PASSWORD + WORDS}
        assert requests.post(f"{node.url}/api/v1/login", json=guess, timeout=9).status_code == 401


@pytest.mark.parametrize("node", [{"KF_LOG_LEVEL": "debug"}], indirect=True)
def test_nothing_of_it_reaches_the_log_through_any_refusal_or_failure(
    node: Node, admin: Caller, platform: Platform
) -> None:
    anna = Agent(node.url, register(admin, "anna", PASSWORD), PASSWORD).online()
    platform.point_to(node)
    platform.follow("o1")
    platform.says("o1", BODY)
    sid = anna.mine()[0]["id"]
    replies(anna, platform, sid)
    refusals(anna, admin, node, sid)
    assert node.push_xml(f"<xml><Content>{BODY}</Content></xml>").status_code == 200  # noted only
    attack = f"<!DOCTYPE xml><xml><Content>{BODY}</Content></xml>"
    assert node.push_xml(attack).status_code == 400
    anna.call("POST", f"/sessions/{sid}/close", json={"reason": BODY})
    written = node.log()
    assert '"event":"push"' in written and '"event":"reply_settled"' in written
    assert '"status":"failed"' in written and '"status":"unknown"' in written
    tokens = [str(c.session.headers["Authorization"]).partition(" ")[2] for c in (anna, admin)]
    account = platform.credentials
    secrets = [PASSWORD, ADMIN_PASSWORD, AES_KEY, account.secret, account.token, *tokens]
    found = [mark for mark in (*MARKS, *secrets) if mark in written]
    assert found == []


def test_an_error_that_nobody_foresaw_is_logged_by_kind_and_place_without_its_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def understand(text: str) -> None:
        try:
            raise KeyError(text)
        except KeyError as error:
            raise ValueError(f"not understood: {text}") from error

    logs.configure("info")
    try:
        understand(BODY)
    except ValueError:
        structlog.get_logger().exception("push_failed")
        logging.getLogger("somebody.else").exception("failed")
    finally:
        logs.configure("error")
    written = capsys.readouterr().err
    traces = [json.loads(line)["exception"].splitlines() for line in written.splitlines()]
    assert len(traces) == 2
    for trace in traces:
        assert [line for line in trace if not line.startswith(" ")] == ["KeyError", "ValueError"]
        assert any("in understand" in line for line in trace)
    for mark in MARKS:
        assert mark not in written
