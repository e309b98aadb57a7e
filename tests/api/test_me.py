"""Signing in and out of service."""

from __future__ import annotations

from tests.api.conftest import WECHAT_ID, Node
from tests.support import wait_until


def test_me_tells_who_i_am_and_how_i_serve(node: Node) -> None:
    me = node.agent("anna", seats=3).data("/me")
    assert me["person"]["role"] == "agent" and me["nickname"] == "Anna"
    assert me["groups"] == ["general_support"]
    assert (me["max_sessions"], me["status"], me["present"], me["load"]) == (3, "offline", False, 0)


def test_logging_in_is_not_being_online(node: Node) -> None:
    node.agent("anna")
    node.says("o1")
    wait_until(lambda: node.session_of("o1"))
    assert node.services.served[node.appid].account.queries.queue_lengths()["general_support"] == 1


def test_going_online_takes_those_who_wait_at_once(node: Node) -> None:
    anna = node.agent("anna", seats=2)
    for openid in ("o1", "o2", "o3"):
        node.says(openid)
    answer = anna.put("/me/presence", {"status": "online"})
    me = answer.json()["data"]
    assert (me["status"], me["present"], me["load"]) == ("online", True, 2)
    states = [row["state"] for row in anna.data("/sessions")]
    assert states == ["SERVING", "SERVING", "WAITING"]


def test_an_admin_who_does_not_serve_has_no_presence(node: Node, admin) -> None:  # type: ignore[no-untyped-def]
    assert admin.data("/me")["status"] is None
    assert admin.put("/me/presence", {"status": "online"}).status_code == 403
    assert admin.post("/me/heartbeat").status_code == 403


def test_offline_with_open_conversations_is_refused_with_their_number(node: Node) -> None:
    anna = node.agent("anna")
    anna.online()
    node.says("o1")
    node.says("o2")
    answer = anna.put("/me/presence", {"status": "offline"})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["open"]) == (409, "conversations_open", 2)
    assert anna.data("/me")["status"] == "online"


def test_handing_over_moves_conversations_to_a_colleague(node: Node) -> None:
    anna, bob = node.agent("anna"), node.agent("bob")
    anna.online()
    node.says("o1")
    sid = node.session_of("o1")
    bob.online()
    answer = anna.put("/me/presence", {"status": "offline", "hand_over": True})
    assert answer.json()["data"]["load"] == 0
    assert bob.data(f"/sessions/{sid}")["kf_account"] == f"bob@{WECHAT_ID}"


def test_away_keeps_conversations_and_gets_none(node: Node) -> None:
    anna = node.agent("anna")
    anna.online()
    node.says("o1")
    anna.put("/me/presence", {"status": "away"})
    node.says("o2")
    assert [row["state"] for row in anna.data("/sessions")] == ["SERVING", "WAITING"]


def test_a_program_stays_by_heartbeats(node: Node) -> None:
    anna = node.agent("anna")
    answer = anna.post("/me/heartbeat")
    assert answer.json()["data"]["heartbeat_s"] == 30
    assert anna.data("/me")["present"] is True


def test_a_status_that_does_not_exist_is_named(node: Node) -> None:
    answer = node.agent("anna").put("/me/presence", {"status": "busy"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "status")
