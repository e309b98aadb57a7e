"""Pushes: modes, the cut, redelivery, customers' acts (wechat-platform 1, 2.3)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Request, Response

from simulator import crypto
from tests.simulator.conftest import AES_KEY, APPID, DEADLINE_S, OPENID, TOKEN, Callback, Sim
from tests.simulator.wire import GREY, envelope, opened, text_reply
from tests.support import wait_until


def test_a_safe_push_shows_only_the_recipient_and_the_envelope(
    sim: Sim, callback: Callback
) -> None:
    answer = sim.say(text="在吗 ]]> <b>")
    row = callback.seen[0]
    outer = {e.tag for e in ElementTree.fromstring(row["body"])}
    assert outer == {"ToUserName", "Encrypt"}
    assert (row["args"]["encrypt_type"], row["args"]["openid"]) == ("aes", OPENID)
    inner = opened(row)
    assert (inner["Content"], inner["MsgType"]) == ("在吗 ]]> <b>", "text")
    assert inner["MsgId"] == answer["msg_id"]
    assert (answer["attempts"], answer["statuses"], answer["outcome"]) == (1, [200], "nothing")
    assert 0 < int(answer["msg_id"]) < 2**63


def test_compat_carries_both_and_plain_only_the_clear_text(
    start: Callable[..., Sim], callback: Callback
) -> None:
    start(mode="compat").say(text="hi")
    start(mode="plain").say(text="hi")
    compat, plain = (
        {e.tag: e.text for e in ElementTree.fromstring(r["body"])} for r in callback.seen
    )
    assert compat["Content"] == plain["Content"] == "hi"
    assert "Encrypt" in compat
    assert "Encrypt" not in plain
    assert "encrypt_type" not in callback.seen[1]["args"]
    args = callback.seen[1]["args"]
    assert args["signature"] == crypto.sign(TOKEN, args["timestamp"], args["nonce"])


def test_a_mini_program_is_pushed_json(start: Callable[..., Sim], callback: Callback) -> None:
    start(kind="miniprogram").say(text="你好")
    outer = json.loads(callback.seen[0]["body"])
    inner = json.loads(crypto.decrypt(AES_KEY, APPID, outer["Encrypt"]))
    assert inner["Content"] == "你好"
    assert isinstance(inner["CreateTime"], int)


def test_a_slow_answer_is_cut_and_delivered_three_times_with_the_same_ids(
    sim: Sim, callback: Callback
) -> None:
    release = threading.Event()

    def slow(_: Request) -> str:
        release.wait(5)
        return "success"

    callback.answer = slow
    began = time.monotonic()
    answer = sim.say()
    took = time.monotonic() - began
    release.set()
    assert answer["statuses"] == ["timeout"] * 3
    assert (answer["visible"], answer["outcome"]) == (GREY, "unavailable")
    assert 3 * DEADLINE_S * 0.9 < took < 3 * 4.5, "three deadlines, not three answers"
    pushes = [opened(row) for row in callback.seen]
    assert len({p["MsgId"] for p in pushes}) == len({p["CreateTime"] for p in pushes}) == 1
    assert len({row["args"]["nonce"] for row in callback.seen}) == 3
    assert sim.transcript()[-1]["direction"] == "system"


def test_an_answer_that_drips_is_cut_at_the_deadline(sim: Sim, callback: Callback) -> None:
    stop = threading.Event()

    def drip() -> Any:
        while not stop.wait(0.05):
            yield "s"

    callback.answer = lambda _: Response(drip())
    answer = sim.say(text="x", retries=1)
    stop.set()
    assert answer["statuses"] == ["timeout"]


def test_an_http_error_is_delivered_again_and_a_late_success_counts(
    sim: Sim, callback: Callback
) -> None:
    codes = iter([503, 503, 200])
    callback.answer = lambda _: Response("success", next(codes))
    answer = sim.say()
    assert (answer["statuses"], answer["outcome"]) == ([503, 503, 200], "nothing")
    assert answer["visible"] == ""


def test_copies_of_one_push_arrive_at_the_same_moment(sim: Sim, callback: Callback) -> None:
    meet = threading.Barrier(3)

    def together(_: Request) -> str:
        meet.wait(5)
        return envelope(text_reply())

    callback.answer = together
    answer = sim.say(text="x", copies=3, concurrent=True, deadline_s=5)
    assert answer["attempts"] == 3
    assert [d["reply"]["text"] for d in answer["deliveries"]] == ["排队中"] * 3
    assert len({opened(row)["MsgId"] for row in callback.seen}) == 1
    assert [line["direction"] for line in sim.transcript()] == ["in", "out"]


def test_many_failures_in_a_row_stop_pushes_for_a_minute(
    start: Callable[..., Sim], callback: Callback
) -> None:
    sim = start(markfail_after=2)
    callback.answer = lambda _: "garbage"
    sim.say(), sim.say()
    callback.answer = lambda _: "success"
    assert sim.say()["outcome"] == "suspended"
    sim.advance(61)
    assert sim.say()["outcome"] == "nothing"


@pytest.mark.parametrize(
    ("spec", "elements"),
    [
        ({"type": "image"}, {"PicUrl", "MediaId"}),
        ({"type": "voice"}, {"MediaId", "Format", "MediaId16K"}),
        ({"type": "video"}, {"MediaId", "ThumbMediaId"}),
        ({"type": "shortvideo"}, {"MediaId", "ThumbMediaId"}),
        ({"type": "location"}, {"Location_X", "Location_Y", "Scale", "Label"}),
        ({"type": "link"}, {"Title", "Description", "Url"}),
        ({"type": "file"}, {"Title", "FileKey", "FileMd5", "FileTotalLen"}),
        ({"type": "miniprogrampage"}, {"Title", "AppId", "PagePath"}),
        ({"type": "sticker", "extra": {"Novel": "1"}}, {"Novel"}),
        ({"text": "好", "menu_id": "101"}, {"Content", "bizmsgmenuid"}),
        ({"event": "subscribe", "event_key": "qrscene_1"}, {"EventKey", "Ticket"}),
        ({"event": "unsubscribe"}, {"EventKey"}),
        ({"event": "SCAN", "event_key": "1"}, {"EventKey", "Ticket"}),
        ({"event": "LOCATION"}, {"Latitude", "Longitude", "Precision"}),
        ({"event": "VIEW", "event_key": "http://x"}, {"EventKey", "MenuId"}),
        ({"event": "scancode_push"}, {"ScanCodeInfo"}),
        ({"event": "pic_weixin"}, {"SendPicsInfo"}),
        ({"event": "location_select"}, {"SendLocationInfo"}),
        ({"event": "TEMPLATESENDJOBFINISH"}, {"MsgID", "Status"}),
        ({"event": "MASSSENDJOBFINISH"}, {"MsgID", "TotalCount"}),
        ({"event": "kf_switch_session"}, {"FromKfAccount", "ToKfAccount"}),
        ({"event": "user_enter_tempsession"}, {"SessionFrom"}),
    ],
)
def test_each_type_carries_its_elements(
    sim: Sim, callback: Callback, spec: dict[str, Any], elements: set[str]
) -> None:
    assert sim.say(**spec)["outcome"] == "nothing"
    inner = opened(callback.seen[0])
    assert elements <= set(inner)
    assert inner["FromUserName"] == OPENID
    assert ("MsgId" in inner) == (inner["MsgType"] != "event")


@pytest.mark.parametrize("tamper", ["signature", "msg_signature", "appid", "stale", "ciphertext"])
def test_one_thing_of_a_push_can_be_spoilt(sim: Sim, callback: Callback, tamper: str) -> None:
    sim.say(text="x", tamper=tamper)
    args, body = callback.seen[0]["args"], callback.seen[0]["body"]
    sealed = ElementTree.fromstring(body).findtext("Encrypt") or ""
    spoilt = {
        "signature": args["signature"] == "0" * 40,
        "msg_signature": args["msg_signature"] == "0" * 40,
        "stale": int(args["timestamp"]) < time.time() - 3000,
    }
    if tamper in spoilt:
        assert spoilt[tamper]
    else:
        with pytest.raises(crypto.EnvelopeError):
            crypto.decrypt(AES_KEY, APPID, sealed)


def test_create_time_follows_the_virtual_clock_and_the_url_follows_real_time(
    sim: Sim, callback: Callback
) -> None:
    sim.advance(86_400)
    sim.say()
    assert int(opened(callback.seen[0])["CreateTime"]) > time.time() + 86_000
    assert abs(int(callback.seen[0]["args"]["timestamp"]) - time.time()) < 60


def test_verification_reports_what_the_server_answered(sim: Sim, callback: Callback) -> None:
    callback.answer = lambda r: r.args["echostr"]
    assert sim.call("GET", "/sim/api/verify") == {"ok": True, "status": 200, "detail": ""}
    callback.answer = lambda r: f'"{r.args["echostr"]}"'
    assert sim.call("GET", "/sim/api/verify")["ok"] is False


def test_a_customer_who_left_cannot_write_until_he_follows_again(sim: Sim) -> None:
    sim.say()
    sim.say(event="unsubscribe")
    url = f"{sim.base}/sim/api/followers/{OPENID}/messages"
    assert sim.http.post(url, json={"text": "x"}, timeout=5).status_code == 409
    sim.say(event="subscribe")
    assert sim.say()["outcome"] == "nothing"


def test_half_a_surrogate_pair_is_a_bad_request(sim: Sim) -> None:
    url = f"{sim.base}/sim/api/followers/{OPENID}/messages"
    answer = sim.http.post(url, data=b'{"text": "\\ud800"}', timeout=5)
    assert answer.status_code == 400


def test_a_push_need_not_be_waited_for(sim: Sim, callback: Callback) -> None:
    assert sim.say(text="x", wait=False)["outcome"] == "pending"
    wait_until(lambda: callback.seen)


def test_a_forwarded_customer_bypasses_the_callback_until_the_session_closes(
    sim: Sim, callback: Callback
) -> None:
    agent = "bob@shop_id"
    sim.api("/customservice/kfaccount/add", {"kf_account": agent, "nickname": "Bob"})
    sim.call("PATCH", f"/sim/api/kf/{agent}", json={"wx": "bob_wx", "status": 1, "auto_accept": 1})
    fields = {"MsgType": "transfer_customer_service"}
    callback.answer = lambda _: envelope(text_reply("", **fields))
    sim.say()
    wait_until(lambda: len(callback.seen) == 2)
    assert opened(callback.seen[1])["Event"] == "kf_create_session"
    assert sim.say(text="到工具")["outcome"] == "native"
    who = {"kf_account": agent, "openid": OPENID}
    assert sim.api("/customservice/kfsession/close", who)["errcode"] == 0
    assert sim.api("/customservice/kfsession/close", who)["errcode"] == 65413
    wait_until(lambda: len(callback.seen) == 3)
    callback.answer = lambda _: "success"
    assert sim.say()["outcome"] == "nothing"
    now = int(time.time())
    span = {"starttime": now - 60, "endtime": now + 60, "msgid": 1, "number": 10}
    rows = sim.api("/customservice/msgrecord/getmsglist", span)["recordlist"]
    assert [(r["opercode"], r["text"]) for r in rows] == [(2003, "到工具")]
