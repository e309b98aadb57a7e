"""Field D over HTTP: a slow or refusing platform delays nobody else, doubles and reorders nothing."""

from __future__ import annotations

from typing import Any

import requests

from tests.api.conftest import Client, Node, node, settings_of_node
from tests.support import wait_until
from tests.work import within

__all__ = ["node", "settings_of_node"]

SEND = "/cgi-bin/message/custom/send"


def faults(node: Node, *planned: dict[str, Any]) -> None:
    answer = requests.put(f"{node.simulator.base}/sim/api/faults", json=list(planned), timeout=10)
    assert answer.ok, answer.text


def answers(agent: Client, node: Node, openid: str, *texts: str) -> None:
    path = f"/sessions/{node.session_of(openid)}/messages"
    for number, text in enumerate(texts):
        body = {"client_id": f"{openid}.{number}", "type": "text", "text": text}
        assert agent.post(path, body).status_code == 202


def heard(node: Node, openid: str) -> list[str]:
    rows = node.transcript(openid)
    return [r["text"] for r in rows if r["direction"] == "out" and not r.get("passive")]


def amy(node: Node) -> Client:
    agent = node.agent("amy", seats=9)
    agent.online()
    return agent


def test_werobot_83_a_platform_that_is_slow_costs_the_callback_nothing(node: Node) -> None:
    agent = amy(node)
    node.says("o1")
    faults(node, {"path": SEND, "latency_ms": 2_500})
    texts: list[str] = []

    def five_while_a_reply_is_sent() -> None:
        texts.append(f"第{len(texts)}句")
        answers(agent, node, "o1", texts[-1])
        for n in range(5):
            assert node.says(f"slow{len(texts)}-{n}")["statuses"] == [200]

    within(2, five_while_a_reply_is_sent)
    wait_until(lambda: heard(node, "o1") == texts, 30)


def test_werobot_801_a_push_that_wechat_delivers_again_is_handled_once(node: Node) -> None:
    agent = amy(node)
    node.says("o1", "在吗")
    again = [node.says("o1", type="text", content="急", msg_id=77)["statuses"] for _ in range(3)]
    assert again == [[200]] * 3
    path = f"/sessions/{node.session_of('o1')}/messages"
    words = [m["text"] for m in agent.data(path) if m["direction"] == "in"]
    assert words == ["在吗", "急"]


def test_shadowfax_40_replies_come_at_once_in_order_and_not_in_bursts(node: Node) -> None:
    agent = amy(node)
    for openid in ("stuck", "free"):
        node.says(openid)
    faults(node, {"path": SEND, "openid": "stuck", "errcode": -1})
    answers(agent, node, "stuck", "一", "二", "三")
    answers(agent, node, "free", "甲", "乙")
    wait_until(lambda: heard(node, "free") == ["甲", "乙"])
    assert heard(node, "stuck") == []
    faults(node)
    wait_until(lambda: heard(node, "stuck") == ["一", "二", "三"], 15)


def test_wxjava_2098_a_send_without_an_answer_is_shown_as_unknown_and_not_sent_again(
    node: Node,
) -> None:
    agent = amy(node)
    node.says("o1")
    faults(node, {"path": SEND, "drop": "close", "count": 1})
    answers(agent, node, "o1", "一", "二")
    wait_until(lambda: "二" in heard(node, "o1"))
    path = f"/sessions/{node.session_of('o1')}/messages"
    out = [(m["text"], m["status"]) for m in agent.data(path) if m["direction"] == "out"]
    assert out == [("一", "unknown"), ("二", "sent")]
    assert heard(node, "o1") == ["一", "二"]
