"""custom/send: order of checks, windows and counts (wechat-platform 5, 11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulator import budget
from simulator.errors import ApiError
from tests.simulator.conftest import OPENID, WECHAT_ID, Sim

SEND = "/cgi-bin/message/custom/send"
AGENT = f"alice@{WECHAT_ID}"


def add_agent(sim: Sim) -> None:
    body = {"kf_account": AGENT, "nickname": "小爱"}
    assert sim.api("/customservice/kfaccount/add", body)["errcode"] == 0


def test_a_message_allows_five_answers_and_the_next_one_refills(sim: Sim) -> None:
    sim.say()
    assert [sim.send() for _ in range(6)] == [0, 0, 0, 0, 0, 45047]
    sim.say()
    assert sim.send() == 0


def test_the_window_of_a_message_ends_after_48_hours(sim: Sim) -> None:
    sim.say()
    sim.advance(48 * 3600 - 5)
    assert sim.send() == 0
    sim.advance(6)
    assert sim.send() == 45015


@pytest.mark.parametrize(
    "spec",
    [
        {"event": "CLICK", "event_key": "人工"},
        {"event": "subscribe"},
        {"event": "SCAN", "event_key": "1"},
        {"text": "满意", "menu_id": "101"},
    ],
)
def test_other_triggers_allow_three_within_a_minute(sim: Sim, spec: dict[str, Any]) -> None:
    sim.say(**spec)
    assert [sim.send() for _ in range(4)] == [0, 0, 0, 45047]
    sim.advance(61)
    assert sim.send() == 45015


@pytest.mark.parametrize("event", ["VIEW", "LOCATION", "view_miniprogram", "TEMPLATESENDJOBFINISH"])
def test_events_without_a_window_allow_nothing(sim: Sim, event: str) -> None:
    sim.say(event=event)
    assert sim.send() == 45015


def test_acts_are_not_added_up_the_larger_count_and_the_longer_window_hold(sim: Sim) -> None:
    sim.say()
    assert [sim.send() for _ in range(3)] == [0, 0, 0]
    sim.say(event="CLICK", event_key="k")
    assert sim.send() == 0
    sim.advance(61)
    assert [sim.send() for _ in range(3)] == [0, 0, 45047]


def test_under_the_rule_sum_buckets_add_up_and_the_one_that_ends_first_is_used_first() -> None:
    buckets: dict[str, budget.Bucket] = {}
    budget.refill(buckets, "message", 0, "sum")
    budget.refill(buckets, "menu", 0, "sum")
    for _ in range(3):
        budget.spend(buckets, 1)
    assert (buckets["menu"].left, buckets["message"].left) == (0, 5)
    for _ in range(5):
        budget.spend(buckets, budget.MINUTE_MS + 1)
    with pytest.raises(ApiError):
        budget.spend(buckets, budget.MINUTE_MS + 1)


def test_the_answer_is_shown_under_the_agents_name(sim: Sim) -> None:
    add_agent(sim)
    sim.say()
    assert sim.send("您好，我是小爱", customservice={"kf_account": AGENT}) == 0
    line = sim.transcript()[-1]
    assert (line["direction"], line["text"]) == ("out", "您好，我是小爱")
    assert (line["kf_nick"], line["kf_account"], line["passive"]) == ("小爱", AGENT, False)


def test_checks_come_in_their_order(sim: Sim) -> None:
    sim.say()
    assert sim.send(openid="o-unknown") == 40003
    assert sim.send(msgtype="nonsense") == 40008
    assert sim.send(customservice={"kf_account": f"nobody@{WECHAT_ID}"}) == 65401
    assert sim.send("") == 44004
    assert sim.send("字" * 683) == 45002
    assert sim.send("字" * 682) == 0
    image = {"touser": OPENID, "msgtype": "image", "image": {"media_id": "none"}}
    assert sim.api(SEND, image)["errcode"] == 40007
    news = {"touser": OPENID, "msgtype": "news", "news": {"articles": [{"title": "a"}] * 2}}
    assert sim.api(SEND, news)["errcode"] == 45008
    sim.say(event="unsubscribe")
    assert sim.send() == 43004


def test_an_unbound_agent_is_refused_only_where_the_account_demands_binding(sim: Sim) -> None:
    add_agent(sim)
    sim.say()
    sim.call("PATCH", "/sim/api/account", json={"require_bound_kf": True})
    assert sim.send(customservice={"kf_account": AGENT}) == 65402
    sim.call("PATCH", f"/sim/api/kf/{AGENT}", json={"wx": "alice_wx"})
    assert sim.send(customservice={"kf_account": AGENT}) == 0


def test_a_blacklisted_customer_is_refused(sim: Sim) -> None:
    sim.say()
    sim.call("PATCH", f"/sim/api/followers/{OPENID}", json={"blacklisted": True})
    assert sim.send() == 43019


def test_an_escaped_body_reaches_the_customer_letter_by_letter(sim: Sim) -> None:
    sim.say()
    text = '{"content":"\\u60a8\\n好\\u000a"}'
    raw = f'{{"touser":"{OPENID}","msgtype":"text","text":{text}}}'
    params = {"access_token": sim.token()}
    assert sim.call("POST", SEND, params=params, data=raw.encode())["errcode"] == 0
    assert sim.transcript()[-1]["text"] == "\\u60a8\n好\n"


def test_a_msgmenu_needs_a_verified_account(start: Callable[..., Sim]) -> None:
    rows = [{"id": "101", "content": "满意"}]
    menu = {"head_content": "请评价", "list": rows, "tail_content": "谢谢"}
    body = {"touser": OPENID, "msgtype": "msgmenu", "msgmenu": menu}
    verified, test_account = start(), start(verified=False)
    verified.say(), test_account.say()
    assert verified.api(SEND, body)["errcode"] == 0
    assert verified.transcript()[-1]["list"] == rows
    assert test_account.api(SEND, body)["errcode"] == 40200


LINK = {"title": "活动", "description": "满减", "url": "https://example.com/a"}


@pytest.mark.parametrize(
    ("kind", "refused"),
    [
        ("miniprogram", ("voice", "video", "news", "msgmenu", "music", "mpnewsarticle", "wxcard")),
        ("official", ("link", "hologram")),
    ],
)
def test_types_that_wechat_takes_from_the_other_kind_of_account_are_refused(
    start: Callable[..., Sim], kind: str, refused: tuple[str, ...]
) -> None:
    sim = start(kind=kind)
    sim.say()
    for name in refused:
        body = {"touser": OPENID, "msgtype": name, name: LINK}
        assert sim.api(SEND, body)["errcode"] == 40008
    link = {"touser": OPENID, "msgtype": "link", "link": LINK}
    assert sim.api(SEND, link)["errcode"] == (0 if kind == "miniprogram" else 40008)


def test_typing_follows_its_rules(sim: Sim) -> None:
    def typing(command: str = "Typing") -> int:
        body = {"touser": OPENID, "command": command}
        return int(sim.api("/cgi-bin/message/custom/typing", body)["errcode"])

    sim.say()
    assert typing("Nonsense") == 45072
    assert typing() == 0
    assert typing() == 45081
    url = f"/sim/api/followers/{OPENID}/transcript"
    assert sim.call("GET", url)["typing"] is True
    assert sim.send() == 0
    assert sim.call("GET", url)["typing"] is False
    sim.advance(31)
    assert typing() == 45080
