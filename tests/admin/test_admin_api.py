from __future__ import annotations

from typing import Any

import pytest

from app.storage import people
from app.storage.sql import reading
from tests.api.conftest import PASSWORD, WECHAT_ID, Client, Node
from tests.support import wait_until


def serving(node: Node, name: str, **more: Any) -> Client:
    agent = node.agent(name, **more)
    agent.online()
    assert agent.post("/me/heartbeat").status_code == 200
    node.services.served[node.appid].account.attendance.refresh()
    return agent


def test_a_person_is_made_changed_and_signed_out(admin: Client, node: Node) -> None:
    body = {"username": "lea", "role": "supervisor", "display_name": "Lea"}
    made = admin.post("/admin/people", body)
    assert made.status_code == 201
    person = made.json()["data"]
    password = person["generated_password"]
    login = {"username": "lea", "password": password}
    token = node.client().post("/tokens", login).json()["data"]["access_token"]
    lea = node.client(token)
    assert lea.get("/admin/overview").status_code == 200
    changed = admin.patch(f"/admin/people/{person['id']}", {"role": "agent"})
    assert changed.json()["data"]["role"] == "agent"
    assert lea.get("/me").status_code == 401
    reset = admin.put(f"/admin/people/{person['id']}/password", {"generate": True})
    assert reset.json()["data"]["generated_password"] != password
    assert admin.put(f"/admin/people/{person['id']}/password", {}).status_code == 422
    disabled = admin.patch(f"/admin/people/{person['id']}", {"disabled": True})
    assert disabled.json()["data"]["disabled"]
    assert [row["username"] for row in admin.data("/admin/people")] == ["admin", "lea"]


def test_the_last_admin_cannot_lock_everybody_out(admin: Client, node: Node) -> None:
    with reading(node.services.engine) as conn:
        me = people.by_sign_in_name(conn, "admin")
    assert me is not None
    answer = admin.patch(f"/admin/people/{me.id}", {"disabled": True})
    assert answer.status_code == 409
    assert admin.get("/me").status_code == 200


def test_a_person_gets_a_kf_account_by_its_bare_prefix(admin: Client, node: Node) -> None:
    admin.post("/admin/kf-accounts", {"kf_account": "amy", "nickname": "Amy"})
    body = {"username": "lea", "role": "supervisor", "password": PASSWORD, "kf_account": "amy"}
    made = admin.post("/admin/people", body).json()["data"]
    assert made["kf_account"] == f"amy@{WECHAT_ID}" and made["appid"] == node.appid
    answer = admin.patch(f"/admin/people/{made['id']}", {"kf_account": ""})
    assert answer.json()["data"]["kf_account"] is None


def test_the_overview_shows_who_waits_who_serves_and_the_stores(admin: Client, node: Node) -> None:
    serving(node, "amy", seats=1)
    for number in range(3):
        node.says(f"customer-{number}")
    shown = admin.data("/admin/overview")
    assert shown["waiting"] == 2 and shown["serving"] == 1 and shown["oldest_wait_ms"] >= 0
    groups = {group["name"]: group for group in shown["groups"]}
    assert groups["general_support"]["waiting"] == 2 and groups["general_support"]["online"] == 1
    (amy,) = shown["agents"]
    assert amy["serving"] and amy["load"] == 1 and amy["max_sessions"] == 1
    assert shown["health"]["redis"] and shown["health"]["database"]
    assert shown["health"]["presence"]["state"] == "local"
    assert shown["missed"]["count"] == 0 and shown["dead_letters"] == 0


@pytest.fixture
def settings_of_node(request: pytest.FixtureRequest) -> dict[str, str]:
    return getattr(request, "param", {})


@pytest.mark.parametrize("settings_of_node", [{"KF_WAIT_LIMIT_S": "1"}], indirect=True)
def test_customers_nobody_answered_are_listed_for_supervisors(admin: Client, node: Node) -> None:
    node.says("customer-1")
    missed = wait_until(lambda: admin.data("/admin/overview")["missed"]["sessions"], 20)
    assert missed[0]["openid"] == "customer-1" and missed[0]["close_reason"] == "missed"


def test_the_ring_names_whom_an_arriving_message_then_gets(admin: Client, node: Node) -> None:
    for name in ("amy", "bob", "cat"):
        serving(node, name, seats=50)
    for number in range(6):
        openid = f"customer-{number}"
        decided = admin.data(f"/admin/ring?openid={openid}")["decision"]
        assert decided["why"]["chosen"] == decided["kf_account"] and decided["open_session"] is None
        node.says(openid)
        session = admin.data(f"/sessions/{node.session_of(openid)}")
        assert session["kf_account"] == decided["kf_account"]
    again = admin.data("/admin/ring?openid=customer-0")["decision"]
    assert again["open_session"] and again["owner"]


def test_asking_the_ring_changes_nothing(admin: Client, node: Node) -> None:
    serving(node, "amy")
    admin.data("/admin/ring?openid=nobody-yet")
    assert node.session_of("nobody-yet") == ""
    assert admin.data("/admin/overview")["serving"] == 0


def test_the_preview_tells_the_share_that_changes_hands(admin: Client, node: Node) -> None:
    for name in ("amy", "bob", "cat"):
        serving(node, name)
    shown = admin.data("/admin/ring")
    assert abs(sum(agent["share"] for agent in shown["agents"]) - 1) < 1e-6
    bob = next(a["share"] for a in shown["agents"] if a["kf_account"].startswith("bob"))
    gone = admin.post("/admin/ring/preview", {"remove": ["bob"]}).json()["data"]
    assert gone["moved_share"] == pytest.approx(bob, abs=1e-6)
    assert {move["from_kf_account"] for move in gone["moves"]} == {f"bob@{WECHAT_ID}"}
    added = admin.post("/admin/ring/preview", {"add": {"dan": 5}}).json()["data"]
    assert 0.15 < added["moved_share"] < 0.35
    assert {move["to_kf_account"] for move in added["moves"]} == {f"dan@{WECHAT_ID}"}
    same = admin.post("/admin/ring/preview", {}).json()["data"]
    assert same["moved_share"] == 0 and same["moves"] == []


def test_every_admin_act_stands_in_the_audit_log(admin: Client) -> None:
    admin.post("/admin/groups", {"name": "night", "title": "夜班"})
    entries = admin.data("/admin/audit?act=group.create")
    assert entries[0]["object"] == "night" and entries[0]["who"] == "admin"
    assert entries[0]["ip"] == "127.0.0.1" and entries[0]["request_id"]
    first = admin.get("/admin/audit?limit=1").json()
    rest = admin.data(f"/admin/audit?cursor={first['meta']['next_cursor']}")
    assert rest[0]["id"] == first["data"][0]["id"] - 1


def test_a_group_is_made_changed_and_removed_when_nobody_needs_it(
    admin: Client, node: Node
) -> None:
    body = {"name": "night", "title": "夜班", "fallback": "general_support"}
    assert admin.post("/admin/groups", body).status_code == 201
    assert admin.post("/admin/groups", body).status_code == 409
    account = node.services.served[node.appid].account
    assert account.fallback_of("night") == "general_support"
    assert admin.put("/admin/groups/night", {"title": "夜间"}).json()["data"]["fallback"] is None
    assert account.fallback_of("night") == ""
    amy = node.agent("amy", in_groups=("night",))
    assert admin.data("/admin/groups/night")["members"] == [f"amy@{WECHAT_ID}"]
    assert amy.get("/admin/groups").status_code == 403
    assert admin.delete("/admin/groups/night").status_code == 204
    assert account.seats.read([f"amy@{WECHAT_ID}"])[0].groups == ()
    assert admin.delete("/admin/groups/general_support").status_code == 409
    assert admin.get("/admin/groups/night").status_code == 404


def test_a_notice_is_edited_heard_at_once_and_put_back(admin: Client, node: Node) -> None:
    changed = admin.put("/admin/notices/away", {"text": "我们休息中"}).json()["data"]
    assert changed["texts"]["zh"] == "我们休息中" and changed["edited"] == ["zh"]
    assert "我们休息中" in str(node.says("customer-1")["reply"])
    back = admin.delete("/admin/notices/away").json()["data"]
    assert back["texts"] == back["defaults"] and back["edited"] == []
    assert admin.put("/admin/notices/queue", {"text": "{nonsense}"}).status_code == 422
    assert admin.put("/admin/notices/nothing", {"text": "x"}).status_code == 404
    assert {row["key"] for row in admin.data("/admin/notices")} >= {"away", "queue", "greeting"}


def test_an_integrations_token_sets_facts_until_it_is_revoked(admin: Client, node: Node) -> None:
    made = admin.post("/admin/integrations", {"name": "shop"})
    assert made.status_code == 201
    shop = node.client(made.json()["data"]["token"])
    assert shop.put("/customers/customer-1/facts", {"vip_level": 4}).status_code == 200
    assert shop.get("/admin/overview").status_code == 403
    ident = made.json()["data"]["id"]
    assert admin.delete(f"/admin/integrations/{ident}").json()["data"]["revoked_ms"]
    assert shop.put("/customers/customer-1/facts", {"vip_level": 5}).status_code == 401
    assert "token" not in admin.data("/admin/integrations")[0]


def test_the_routing_rules_can_be_read(admin: Client) -> None:
    shown = admin.data("/admin/routing")
    assert shown["default_group"] == "general_support"
    assert shown["rules"][0] == {
        "group": "premium_support",
        "priority": 10,
        "when": {"vip_level_above": 3},
    }


def test_a_dead_letter_is_shown_with_its_reason_and_sent_again(admin: Client, node: Node) -> None:
    amy = serving(node, "amy")
    node.says("customer-1")
    sid = node.session_of("customer-1")
    faults = f"{node.simulator.base}/sim/api/faults"
    fault = {"path": "/cgi-bin/message/custom/send", "errcode": 45002}
    node.client().http.put(faults, json=[fault], timeout=10)
    amy.post(f"/sessions/{sid}/messages", {"client_id": "c1", "type": "text", "text": "您好"})
    (dead,) = wait_until(lambda: admin.data("/admin/dead-letters"))
    assert dead["message"]["error"]["errcode"] == 45002 and dead["can_retry"]
    assert dead["openid"] == "customer-1"
    node.client().http.delete(faults, timeout=10)
    answer = admin.post(f"/admin/dead-letters/{dead['id']}/retry")
    assert answer.status_code == 202, answer.text
    wait_until(lambda: [r for r in node.transcript("customer-1") if r["direction"] == "out"])
    wait_until(lambda: admin.data("/admin/dead-letters") == [])
    assert admin.data("/admin/audit?act=dead_letter.retry")[0]["object"] == dead["id"]
    assert admin.post("/admin/dead-letters/nothing.1/retry").status_code == 404


def test_a_supervisor_assigns_takes_over_and_closes_with_a_reason_in_the_audit_log(
    admin: Client, node: Node
) -> None:
    serving(node, "amy")
    node.says("customer-1")
    sid = node.session_of("customer-1")
    serving(node, "bob")
    lea = node.person("lea", "supervisor")
    moved = lea.post(f"/sessions/{sid}/assign", {"kf_account": "bob", "reason": "老客户"})
    assert moved.status_code == 200, moved.text
    assert moved.json()["data"]["kf_account"] == f"bob@{WECHAT_ID}"
    entry = admin.data("/admin/audit?act=session.assign")[0]
    assert entry["who"] == "lea" and entry["detail"]["reason"] == "老客户"
    assert lea.post(f"/sessions/{sid}/takeover", {"reason": "x"}).status_code == 403
    assert lea.post(f"/sessions/{sid}/assign", {"kf_account": "bob"}).status_code == 422
    again = lea.post(f"/sessions/{sid}/assign", {"kf_account": "bob", "reason": "x"})
    assert again.status_code == 422
    assert lea.post(f"/sessions/{sid}/close", {"reason": "骚扰"}).status_code == 200
    assert admin.data("/admin/audit?act=session.close")[0]["detail"]["reason"] == "骚扰"
    gone = lea.post(f"/sessions/{sid}/assign", {"kf_account": "bob", "reason": "x"})
    assert gone.status_code == 409


def test_a_waiting_customer_can_be_assigned_and_taken_over(admin: Client, node: Node) -> None:
    serving(node, "amy", seats=1)
    node.says("customer-1")
    node.says("customer-2")
    sid = node.session_of("customer-2")
    full = admin.post(f"/sessions/{sid}/assign", {"kf_account": "amy", "reason": "x"})
    assert full.status_code == 409 and full.json()["code"] == "agent_full"
    node.agent("lea")
    with reading(node.services.engine) as conn:
        lea_person = people.by_sign_in_name(conn, "lea")
    assert lea_person is not None
    admin.patch(f"/admin/people/{lea_person.id}", {"role": "supervisor"})
    lea = node.client(node.token("lea"))
    offline = lea.post(f"/sessions/{sid}/takeover", {"reason": "x"})
    assert offline.json()["code"] == "agent_offline"
    own = node.session_of("customer-1")
    lea.online()
    lea.post("/me/heartbeat")
    node.services.served[node.appid].account.attendance.refresh()
    taken = lea.post(f"/sessions/{own}/takeover", {"reason": "急"})
    assert taken.json()["data"]["kf_account"] == f"lea@{WECHAT_ID}"
    entry = admin.data("/admin/audit?act=session.takeover")[0]
    assert (entry["who"], entry["object"], entry["detail"]["reason"]) == ("lea", own, "急")
