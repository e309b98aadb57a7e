"""What the platform takes as an answer to a push (wechat-platform 2.3, 3)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulator.conftest import GH, OPENID, Callback, Sim
from tests.simulator.wire import GREY, envelope, text_reply


def test_an_encrypted_reply_is_what_the_customer_sees(sim: Sim, callback: Callback) -> None:
    callback.answer = lambda r: envelope(text_reply("您前面还有2人"), r.args["nonce"])
    answer = sim.say()
    assert (answer["visible"], answer["reply"]["type"]) == ("您前面还有2人", "text")
    line = sim.transcript()[-1]
    assert (line["text"], line["passive"]) == ("您前面还有2人", True)


BAD_ANSWERS = {
    "a plain reply in safe mode": text_reply(),
    "not xml": '{"a": 1}',
    "an html page": "<html></html>",
    "empty content": envelope(text_reply("")),
    "recipients not swapped": envelope(text_reply(ToUserName=GH, FromUserName=OPENID)),
    "unknown type": envelope(text_reply(MsgType="poem")),
    "create time is no number": envelope(text_reply(CreateTime="now")),
    "wrong signature": envelope(text_reply(), MsgSignature="0" * 40),
    "encrypted success": envelope("success"),
    "a document type": "<!DOCTYPE xml><xml></xml>",
}


@pytest.mark.parametrize("reason", BAD_ANSWERS)
def test_a_bad_answer_shows_the_grey_line(sim: Sim, callback: Callback, reason: str) -> None:
    callback.answer = lambda _: BAD_ANSWERS[reason]
    answer = sim.say()
    assert (answer["attempts"], answer["outcome"], answer["visible"]) == (1, "unavailable", GREY)
    assert answer["reason"]


def test_plain_mode_takes_a_plain_reply(start: Callable[..., Sim], callback: Callback) -> None:
    callback.answer = lambda _: text_reply("好")
    assert start(mode="plain").say()["visible"] == "好"
    assert start(mode="compat").say()["visible"] == "好"


@pytest.mark.parametrize(("event", "seen"), [("CLICK", GREY), ("VIEW", ""), ("subscribe", "")])
def test_a_failed_event_shows_the_grey_line_only_for_a_menu_tap(
    sim: Sim, callback: Callback, event: str, seen: str
) -> None:
    callback.answer = lambda _: "garbage"
    assert sim.say(event=event, event_key="k")["visible"] == seen


def test_a_customer_who_just_left_sees_no_reply(sim: Sim, callback: Callback) -> None:
    callback.answer = lambda r: envelope(text_reply("再见"))
    assert sim.say(event="unsubscribe")["visible"] == ""
    assert [line["direction"] for line in sim.transcript()] == ["in"]
