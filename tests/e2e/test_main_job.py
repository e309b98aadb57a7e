"""The whole job over HTTP against the real server, as an outside program sees it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.e2e.world import Agent, Caller, Node, Platform, register
from tests.support import wait_until
from tests.work import within

SHORT_IDLE = {"KF_IDLE_CLOSE_S": "3", "KF_PRESENCE_GRACE_S": "2"}


def openid(number: int) -> str:
    return f"oE2eCustomer{number:016d}"


def customers(platform: Platform, count: int) -> list[str]:
    names = [openid(number) for number in range(count)]
    for name in names:
        platform.follow(name)
    return names


def two_agents(node: Node, admin: Caller, **more: Any) -> tuple[Agent, Agent]:
    names = [register(admin, prefix, **more) for prefix in ("first", "second")]
    first, second = (Agent(node.url, name, "agent-password-1").online() for name in names)
    return first, second


def texts(rows: list[dict[str, Any]]) -> list[str]:
    return [row["text"] for row in rows if row["direction"] != "system"]


def test_a_customers_message_is_answered_under_the_agents_kf_account(
    node: Node, admin: Caller, platform: Platform
) -> None:
    platform.point_to(node)
    agent = Agent(node.url, register(admin, "first"), "agent-password-1").online()
    customer = customers(platform, 1)[0]

    seen = platform.says(customer, "你好，请问几点开门？")
    (session,) = agent.mine()
    agent.reply(session["id"], "九点 <a href='https://example.com'>地址</a> & 更多")

    answers = wait_until(lambda: platform.received(customer))
    assert seen["statuses"] == [200]
    assert answers[0]["text"] == "九点 <a href='https://example.com'>地址</a> & 更多"
    assert answers[0]["kf_account"] == agent.kf_account
    sent = wait_until(lambda: [m for m in agent.messages(session["id"]) if m["status"] == "sent"])
    assert sent[0]["kf_account"] == agent.kf_account
    assert agent.get(f"/sessions/{session['id']}")["budget"]["remaining"] == 4
    card = agent.get(f"/sessions/{session['id']}/routing")
    assert card["chosen"] == agent.kf_account and card["candidates"]


def test_fifty_customers_with_repeats_are_each_served_once_by_one_agent_within_the_limits(
    node: Node, admin: Caller, platform: Platform
) -> None:
    agents = two_agents(node, admin, max_sessions=10)
    names = customers(platform, 50)

    def writes(number: int) -> list[int]:
        with ThreadPoolExecutor(3) as threads:
            jobs = [
                threads.submit(node.push_text, names[number], f"第{number}问", 1000 + number)
                for _ in range(3)
            ]
            return [job.result() for job in jobs]

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(writes, range(50)))
    assert statuses == [[200] * 3] * 50

    held = [{s["openid"] for s in agent.mine() if s["state"] == "SERVING"} for agent in agents]
    waiting = admin.get("/sessions", state="WAITING", limit=100)
    assert [len(h) for h in held] == [10, 10]
    assert not held[0] & held[1]
    assert len(waiting) == 30
    assert sorted(s["queue_position"] for s in waiting) == list(range(1, 31))
    for agent in agents:
        for session in agent.mine():
            assert len(texts(agent.messages(session["id"]))) == (session["state"] == "SERVING")


def test_the_queue_moves_up_in_order_as_conversations_close(
    node: Node, admin: Caller, platform: Platform
) -> None:
    agent = Agent(node.url, register(admin, "first", max_sessions=1), "agent-password-1").online()
    names = customers(platform, 4)
    for number, name in enumerate(names):
        assert node.push_text(name, "在吗", number + 1) == 200
    served = []
    for _ in names:
        (session,) = [s for s in agent.mine() if s["state"] == "SERVING"]
        served.append(session["openid"])
        agent.post(f"/sessions/{session['id']}/close", reason="agent")
    assert served == names


def test_a_transfer_moves_the_conversation_and_the_former_owner_is_refused(
    node: Node, admin: Caller, platform: Platform
) -> None:
    first, second = two_agents(node, admin)
    customer = customers(platform, 1)[0]
    platform.point_to(node)
    platform.says(customer, "转给同事吧")
    owner, other = (first, second) if first.mine() else (second, first)
    (session,) = owner.mine()

    path = f"/sessions/{session['id']}"
    moved = owner.post(f"{path}/transfer", to_kf_account=other.kf_account, note="老客户")
    assert (moved["state"], moved["kf_account"]) == ("SERVING", other.kf_account)
    refused = owner.refused("POST", f"{path}/messages", client_id="x", type="text", text="晚了")
    assert (refused["status"], refused["code"]) == (409, "not_owner")

    other.reply(session["id"], "您好，我来帮您")
    answer = wait_until(lambda: platform.received(customer))[0]
    assert answer["kf_account"] == other.kf_account


def test_the_sixth_reply_is_refused_before_wechat_would_and_a_repeat_is_no_second_message(
    node: Node, admin: Caller, platform: Platform
) -> None:
    agent = Agent(node.url, register(admin, "first"), "agent-password-1").online()
    customer = customers(platform, 1)[0]
    platform.point_to(node)
    platform.says(customer, "问一下")
    (session,) = agent.mine()
    for number in range(5):
        one = agent.reply(session["id"], f"答{number}", f"c{number}")
        two = agent.reply(session["id"], f"答{number}", f"c{number}")
        assert one["id"] == two["id"]
    path = f"/sessions/{session['id']}/messages"
    refused = agent.refused("POST", path, client_id="c5", type="text", text="答5")
    assert (refused["status"], refused["code"]) == (409, "reply_budget_spent")
    wait_until(lambda: len(platform.received(customer)) == 5)
    assert [r["text"] for r in platform.received(customer)] == [f"答{n}" for n in range(5)]


@pytest.mark.parametrize("node", [SHORT_IDLE], indirect=True)
def test_an_idle_conversation_closes_and_the_next_message_finds_the_same_agent(
    node: Node, admin: Caller, platform: Platform
) -> None:
    first, second = two_agents(node, admin)
    customer = customers(platform, 1)[0]
    platform.point_to(node)
    platform.says(customer, "谢谢")
    owner = first if first.mine() else second
    (session,) = owner.mine()
    owner.reply(session["id"], "不客气")

    closed = wait_until(lambda: not owner.mine(), timeout=20)
    assert closed
    found = owner.get(f"/sessions/{session['id']}")
    assert (found["state"], found["close_reason"]) == ("CLOSED", "idle")
    node.push_text(customer, "还有一个问题", 9)
    (again,) = owner.mine()
    assert again["previous_session_id"] == session["id"]
    wait_until(lambda: len(platform.received(customer)) == 2)


def test_kill_nine_in_the_middle_loses_and_doubles_nothing(
    node: Node, admin: Caller, platform: Platform
) -> None:
    agents = two_agents(node, admin, max_sessions=20)
    names = customers(platform, 20)
    accepted: dict[str, list[str]] = {name: [] for name in names}

    def write_until_taken(number: int) -> None:
        """WeChat's own behaviour: the same message again until it is answered."""
        name = names[number % 20]
        text = f"{number // 20}"
        for _ in range(200):
            if node.push_text(name, text, number + 1, timeout=3) == 200:
                accepted[name].append(text)
                return
            time.sleep(0.1)

    with ThreadPoolExecutor(6) as threads:
        early = [threads.submit(write_until_taken, n) for n in range(40)]
        for job in early:
            job.result()
        late = [threads.submit(write_until_taken, n) for n in range(40, 100)]
        node.kill9()
        node.start()
        for job in late:
            job.result()

    stored: dict[str, list[str]] = {name: [] for name in names}
    for agent in agents:
        for session in agent.mine():
            stored[session["openid"]] += texts(agent.messages(session["id"]))
    assert {n: sorted(t) for n, t in stored.items()} == {n: sorted(t) for n, t in accepted.items()}
    assert all(len(set(t)) == 5 for t in stored.values())


def refused(status: int) -> None:
    assert status == 503


def test_redis_gone_is_answered_503_within_two_and_a_half_seconds(
    node: Node, admin: Caller, platform: Platform
) -> None:
    wait_until(lambda: node.push_text(openid(1), "一", 1) == 200)
    store = wait_until(node.embedded_store_pid)
    node.signal(store, "STOP")
    try:
        within(2.5, lambda: refused(node.push_text(openid(1), "二", 2)))
        assert requests.get(f"{node.url}/healthz", timeout=2).status_code == 200
    finally:
        node.signal(store, "CONT")
    wait_until(lambda: node.push_text(openid(1), "二", 2) == 200)


def test_an_agent_who_stops_his_heartbeats_loses_his_customers_to_another(
    node: Node, admin: Caller, platform: Platform
) -> None:
    first, second = two_agents(node, admin)
    customer = customers(platform, 1)[0]
    node.push_text(customer, "在吗", 1)
    owner, other = (first, second) if first.mine() else (second, first)
    owner.put("/me/presence", status="offline", hand_over=True)
    (moved,) = wait_until(other.mine)
    assert (moved["openid"], moved["state"]) == (customer, "SERVING")
    assert owner.mine() == []


def test_no_secret_and_no_message_stands_in_the_log(
    node: Node, admin: Caller, platform: Platform
) -> None:
    agent = Agent(node.url, register(admin, "first"), "agent-password-1").online()
    customer = customers(platform, 1)[0]
    node.push_text(customer, "我的电话是13812345678", 1)
    (session,) = agent.mine()
    agent.reply(session["id"], "机密答复")
    wait_until(lambda: platform.received(customer) or agent.messages(session["id"])[1]["error"])
    log = wait_until(lambda: (text := node.log()).count('"event":"push"') > 0 and text)
    secrets = (node.credentials.secret, node.credentials.token, "13812345678", "机密答复")
    assert not [s for s in (*secrets, "agent-password-1", "Bearer ") if s in log]
