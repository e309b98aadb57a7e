"""Conversations: who sees which, and how they change hands."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import WECHAT_ID, Client, Node
from tests.support import wait_until


def served(node: Node, client: Client, openid: str = "o1") -> str:
    """A conversation that this only online agent serves."""
    client.online()
    node.says(openid)
    sid = node.session_of(openid)
    assert client.data(f"/sessions/{sid}")["state"] == "SERVING"
    return sid


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "")


def test_an_agent_sees_his_own_conversation_and_its_messages(node: Node) -> None:
    anna = node.agent("anna")
    sid = served(node, anna)
    session = anna.data(f"/sessions/{sid}")
    assert session["kf_account"] == f"anna@{WECHAT_ID}" and session["unread"] == 1
    assert session["budget"]["remaining"] == 5
    node.says("o1", "第二句")
    messages = anna.data(f"/sessions/{sid}/messages")
    assert [m["text"] for m in messages if m["direction"] == "in"] == ["在吗", "第二句"]
    assert [m["seq"] for m in messages] == list(range(1, len(messages) + 1))
    later = anna.data(f"/sessions/{sid}/messages?after={len(messages) - 1}")
    assert [m["text"] for m in later] == ["第二句"]


def test_messages_page_by_after(node: Node) -> None:
    anna = node.agent("anna")
    sid = served(node, anna)
    for number in range(4):
        node.says("o1", str(number))
    first = anna.get(f"/sessions/{sid}/messages?limit=2").json()
    assert len(first["data"]) == 2 and first["meta"]["next_after"] == 2
    rest = anna.get(f"/sessions/{sid}/messages?limit=200&after=2").json()
    assert rest["data"][0]["seq"] == 3 and rest["meta"]["next_after"] is None


def test_the_routing_card_says_why_this_agent(node: Node) -> None:
    anna = node.agent("anna")
    sid = served(node, anna)
    card = anna.data(f"/sessions/{sid}/routing")
    assert card["chosen"] == f"anna@{WECHAT_ID}"


def test_another_agents_conversation_is_forbidden(node: Node) -> None:
    anna, bob = node.agent("anna"), node.agent("bob")
    sid = served(node, anna)
    for path in ("", "/messages", "/routing"):
        assert code(bob.get(f"/sessions/{sid}{path}")) == (403, "forbidden")
    assert code(bob.post(f"/sessions/{sid}/close", {})) == (409, "not_owner")
    assert bob.data("/sessions") == []


def test_supervisors_see_everything(node: Node) -> None:
    anna = node.agent("anna")
    lead = node.person("lea", "supervisor")
    sid = served(node, anna)
    assert lead.data(f"/sessions/{sid}")["id"] == sid
    assert [row["id"] for row in lead.data("/sessions")] == [sid]
    assert lead.data("/sessions?mine=1") == []
    assert lead.data("/sessions?state=WAITING") == []


def test_unknown_conversations_are_404(node: Node) -> None:
    anna = node.agent("anna")
    for sid in ("0" * 24, "a*b"):
        assert code(anna.get(f"/sessions/{sid}")) == (404, "not_found")
        assert code(anna.post(f"/sessions/{sid}/close", {})) == (404, "not_found")


def test_waiting_ones_are_seen_by_their_group_only_and_taken(node: Node) -> None:
    node.group("vip")
    anna, vera = node.agent("anna"), node.agent("vera", in_groups=("vip",))
    node.says("o1")
    sid = node.session_of("o1")
    waiting = anna.data("/sessions?state=WAITING")
    assert [(row["id"], row["queue_position"]) for row in waiting] == [(sid, 1)]
    assert vera.data("/sessions") == []
    assert code(anna.post(f"/sessions/{sid}/take")) == (409, "agent_offline")
    assert code(vera.post(f"/sessions/{sid}/take")) == (403, "forbidden")


def test_taking_from_the_queue(node: Node) -> None:
    anna = node.agent("anna", seats=1)
    anna.online()
    node.says("o1")
    node.says("o2")
    sid = node.session_of("o2")
    assert code(anna.post(f"/sessions/{sid}/take")) == (409, "agent_full")
    bob = node.agent("bob")
    bob.put("/me/presence", {"status": "away"})
    assert code(bob.post(f"/sessions/{sid}/take")) == (409, "agent_offline")


def test_transfer_to_a_colleague_by_bare_prefix(node: Node) -> None:
    anna, bob = node.agent("anna"), node.agent("bob")
    sid = served(node, anna)
    assert code(anna.post(f"/sessions/{sid}/transfer", {"to_kf_account": "bob"})) == (
        409,
        "agent_offline",
    )
    bob.online()
    answer = anna.post(f"/sessions/{sid}/transfer", {"to_kf_account": "bob", "note": "发票"})
    session = answer.json()["data"]
    assert (session["state"], session["kf_account"]) == ("SERVING", f"bob@{WECHAT_ID}")
    assert code(anna.post(f"/sessions/{sid}/close", {})) == (409, "not_owner")
    moved = [m for m in bob.data(f"/sessions/{sid}/messages") if m.get("code") == "moved"]
    assert moved[0]["values"]["note"] == "发票"


def test_a_transfer_names_one_target_that_exists(node: Node) -> None:
    anna = node.agent("anna")
    sid = served(node, anna)
    for body, expected in [
        ({}, (422, "invalid")),
        ({"to_kf_account": "bob", "to_group": "vip"}, (422, "invalid")),
        ({"to_kf_account": "nobody"}, (404, "not_found")),
        ({"to_group": "nowhere"}, (404, "not_found")),
        ({"to_group": "general_support"}, (409, "agent_full")),
    ]:
        assert code(anna.post(f"/sessions/{sid}/transfer", body)) == expected


class TestWithConsent:
    @pytest.fixture
    def settings_of_node(self) -> dict[str, str]:
        return {"KF_TRANSFER_CONSENT": "1"}

    def test_the_asked_agent_accepts_or_declines(self, node: Node) -> None:
        anna, bob = node.agent("anna"), node.agent("bob")
        sid = served(node, anna)
        bob.online()
        for verb, owner in (("decline", "anna"), ("accept", "bob")):
            asked = anna.post(f"/sessions/{sid}/transfer", {"to_kf_account": "bob"}).json()["data"]
            assert asked["state"] == "TRANSFERING"
            assert asked["transfer"]["to"] == f"bob@{WECHAT_ID}"
            assert [row["id"] for row in bob.data("/sessions?state=TRANSFERING")] == [sid]
            assert bob.data(f"/sessions/{sid}")["id"] == sid
            assert code(anna.post(f"/sessions/{sid}/{verb}")) == (409, "not_owner")
            done = bob.post(f"/sessions/{sid}/{verb}").json()["data"]
            assert (done["state"], done["kf_account"]) == ("SERVING", f"{owner}@{WECHAT_ID}")


def test_accepting_what_nobody_asked_is_refused(node: Node) -> None:
    anna = node.agent("anna")
    sid = served(node, anna)
    assert code(anna.post(f"/sessions/{sid}/accept")) == (409, "not_transfering")


def test_reading_clears_the_count(node: Node) -> None:
    anna = node.agent("anna")
    sid = served(node, anna)
    assert anna.post(f"/sessions/{sid}/read").json()["data"]["unread"] == 0


def test_closing_is_refused_when_the_customer_has_written_since(node: Node) -> None:
    anna = node.agent("anna")
    sid = served(node, anna)
    seen = anna.data(f"/sessions/{sid}/messages")[-1]["id"]
    node.says("o1", "还有一个问题")
    body = {"reason": "done", "last_message_id": seen}
    assert code(anna.post(f"/sessions/{sid}/close", body)) == (409, "newer_message")
    assert code(anna.post(f"/sessions/{sid}/close", {"last_message_id": "other.1"}))[0] == 422
    closed = anna.post(f"/sessions/{sid}/close", {"reason": "done"}).json()["data"]
    assert (closed["state"], closed["close_reason"]) == ("CLOSED", "agent")


def test_a_closed_conversation_reads_the_same_before_and_after_its_way_to_sql(node: Node) -> None:
    anna = node.agent("anna")
    sid = served(node, anna)
    anna.post(f"/sessions/{sid}/close", {"reason": "done"})
    views = [anna.data("/sessions?state=CLOSED")]
    node.archived(sid)
    wait_until(lambda: anna.data("/sessions?state=CLOSED"))
    views.append(anna.data("/sessions?state=CLOSED"))
    for view in views:
        assert [row["id"] for row in view] == [sid]
    assert anna.data(f"/sessions/{sid}")["close_reason"] == "agent"
    messages = anna.data(f"/sessions/{sid}/messages")
    assert messages[0]["text"] == "在吗"
    assert anna.data(f"/sessions/{sid}/routing")["chosen"]
    for path, body in (
        ("close", {}),
        ("messages", {"client_id": "c1", "text": "x"}),
        ("transfer", {"to_kf_account": "bob"}),
        ("read", {}),
        ("typing", {}),
        ("accept", {}),
    ):
        assert code(anna.post(f"/sessions/{sid}/{path}", body)) == (409, "session_closed"), path


def test_closed_ones_page_newest_first_over_redis_and_sql(node: Node) -> None:
    anna = node.agent("anna")
    anna.online()
    ids = []
    for number in range(5):
        node.says(f"o{number}")
        sid = node.session_of(f"o{number}")
        anna.post(f"/sessions/{sid}/close", {})
        ids.append(sid)
        if number == 2:
            node.archived(sid)
    found, cursor = [], ""
    while True:
        page = anna.get(f"/sessions?state=CLOSED&limit=2{cursor}").json()
        found += [row["id"] for row in page["data"]]
        if page["meta"]["next_cursor"] is None:
            break
        cursor = f"&cursor={page['meta']['next_cursor']}"
    assert found == ids[::-1]


def test_everything_open_pages_for_a_supervisor(node: Node) -> None:
    lead = node.person("lea", "supervisor")
    for number in range(5):
        node.says(f"o{number}")
    found, cursor = [], ""
    while True:
        page = lead.get(f"/sessions?limit=2{cursor}").json()
        found += [row["openid"] for row in page["data"]]
        if page["meta"]["next_cursor"] is None:
            break
        cursor = f"&cursor={page['meta']['next_cursor']}"
    assert found == [f"o{number}" for number in (4, 3, 2, 1, 0)]
    assert code(lead.get("/sessions?cursor=made-up")) == (422, "invalid")


def test_a_supervisor_ends_any_conversation(node: Node) -> None:
    anna, lead = node.agent("anna"), node.person("lea", "supervisor")
    sid = served(node, anna)
    closed = lead.post(f"/sessions/{sid}/close", {"reason": "骚扰"}).json()["data"]
    assert closed["close_reason"] == "supervisor"


def test_the_next_agent_reads_what_the_customer_said_earlier(node: Node) -> None:
    anna, bob = node.agent("anna"), node.agent("bob")
    sid = served(node, anna)
    anna.post(f"/sessions/{sid}/close", {})
    anna.put("/me/presence", {"status": "offline"})
    assert code(bob.get(f"/sessions/{sid}")) == (403, "forbidden")
    bob.online()
    node.says("o1", "我又来了")
    assert bob.data(f"/sessions/{sid}")["id"] == sid
    node.archived(sid)
    assert bob.data(f"/sessions/{sid}")["id"] == sid
    assert [row["id"] for row in bob.data("/customers/o1/sessions")] == [sid]


def test_typing_is_told_to_the_customer(node: Node) -> None:
    anna = node.agent("anna")
    sid = served(node, anna)
    assert anna.post(f"/sessions/{sid}/typing").json()["data"] == {"active": True}
    assert anna.post(f"/sessions/{sid}/typing", {"active": False}).status_code == 200
