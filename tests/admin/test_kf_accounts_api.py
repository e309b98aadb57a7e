from __future__ import annotations

from typing import Any

from tests.api.conftest import PASSWORD, WECHAT_ID, Client, Node
from tests.support import wait_until

PATH = "/admin/kf-accounts"


def register(admin: Client, name: str, **more: Any) -> dict[str, Any]:
    body = {"kf_account": name, "nickname": name.title(), "password": PASSWORD, **more}
    response = admin.post(PATH, body)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()["data"]
    return made


def faults(node: Node, *planned: dict[str, Any]) -> None:
    url = f"{node.simulator.base}/sim/api/faults"
    node.client().http.put(url, json=list(planned), timeout=10)


def test_an_outside_program_registers_two_agents_who_sign_in_and_serve(
    admin: Client, node: Node
) -> None:
    made = register(admin, "amy", role="agent", max_sessions=2)
    assert made["kf_account"] == f"amy@{WECHAT_ID}" and made["platform"] == "registered"
    assert made["username"] == "amy" and made["generated_password"] is None
    register(admin, f"bob@{WECHAT_ID}")
    amy = node.client(node.token("amy"))
    amy.online()
    amy.post("/me/heartbeat")
    assert node.says("customer-1")["outcome"] == "nothing"
    wait_until(lambda: amy.data("/sessions?mine=1"))
    rows = {row["kf_account"]: row for row in admin.data(PATH)}
    mine = rows[f"amy@{WECHAT_ID}"]
    assert (mine["status"], mine["present"], mine["load"]) == ("online", True, 1)
    assert rows[f"bob@{WECHAT_ID}"]["status"] == "offline"


def test_without_the_kf_feature_the_agent_is_local_and_replies_still_arrive(
    admin: Client, node: Node
) -> None:
    url = f"{node.simulator.base}/sim/api/account"
    node.client().http.patch(url, json={"kf_enabled": False}, timeout=10)
    made = register(admin, "amy")
    assert made["platform"] == "local" and "65400" in made["platform_note"]
    amy = node.client(node.token("amy"))
    amy.online()
    amy.post("/me/heartbeat")
    node.says("customer-1")
    sid = wait_until(lambda: amy.data("/sessions?mine=1"))[0]["id"]
    body = {"client_id": "c1", "type": "text", "text": "您好"}
    assert amy.post(f"/sessions/{sid}/messages", body).status_code == 202
    wait_until(lambda: [r for r in node.transcript("customer-1") if r["direction"] == "out"])


def test_a_refusal_is_a_problem_with_the_platforms_code_in_words(admin: Client, node: Node) -> None:
    faults(node, {"path": "/customservice/kfaccount/add", "errcode": 65406})
    response = admin.post(PATH, {"kf_account": "amy", "nickname": "Amy", "password": PASSWORD})
    problem = response.json()
    assert response.status_code == 409 and problem["code"] == "platform_refused"
    assert problem["errcode"] == 65406 and "sync" in problem["detail"]
    assert admin.data(PATH) == []


def test_a_disabled_agent_loses_login_and_customers_to_a_colleague(
    admin: Client, node: Node
) -> None:
    register(admin, "amy")
    amy = node.client(node.token("amy"))
    amy.online()
    amy.post("/me/heartbeat")
    node.says("customer-1")
    sid = wait_until(lambda: amy.data("/sessions?mine=1"))[0]["id"]
    register(admin, "bob")
    bob = node.client(node.token("bob"))
    bob.online()
    bob.post("/me/heartbeat")
    answer = admin.patch(f"{PATH}/amy", {"disabled": True})
    assert answer.status_code == 200 and answer.json()["data"]["disabled"]
    assert amy.get("/me").status_code == 401
    assert bob.data(f"/sessions/{sid}")["kf_account"] == f"bob@{WECHAT_ID}"
    login = {"username": "amy", "password": PASSWORD}
    assert node.client().post("/tokens", login).status_code == 401
    assert admin.patch(f"{PATH}/amy", {"disabled": False}).status_code == 200
    node.token("amy")


def test_a_removed_agents_customers_wait_at_the_head_when_nobody_else_is_there(
    admin: Client, node: Node
) -> None:
    register(admin, "amy")
    amy = node.client(node.token("amy"))
    amy.online()
    amy.post("/me/heartbeat")
    node.says("customer-1")
    sid = wait_until(lambda: amy.data("/sessions?mine=1"))[0]["id"]
    assert admin.delete(f"{PATH}/amy@{WECHAT_ID}").status_code == 204
    session = admin.data(f"/sessions/{sid}")
    assert session["state"] == "WAITING" and session["kf_account"] is None
    assert amy.get("/me").status_code == 401
    assert admin.get(f"{PATH}/amy").status_code == 404


def test_a_raised_limit_seats_the_waiting_at_once(admin: Client, node: Node) -> None:
    register(admin, "amy", max_sessions=1)
    amy = node.client(node.token("amy"))
    amy.online()
    amy.post("/me/heartbeat")
    for number in range(3):
        node.says(f"customer-{number}")
    assert len(amy.data("/sessions?mine=1")) == 1
    assert admin.patch(f"{PATH}/amy", {"max_sessions": 2}).status_code == 200
    assert len(amy.data("/sessions?mine=1")) == 2


def test_a_new_password_signs_out_and_a_person_can_be_added_later(
    admin: Client, node: Node
) -> None:
    body = {"kf_account": "amy", "nickname": "Amy"}
    made = admin.post(PATH, body).json()["data"]
    assert made["username"] is None
    changed = admin.patch(f"{PATH}/amy", {"role": "agent"}).json()["data"]
    assert changed["username"] == "amy" and changed["generated_password"]
    assert admin.patch(f"{PATH}/amy", {"password": PASSWORD}).status_code == 200
    amy = node.client(node.token("amy"))
    assert admin.patch(f"{PATH}/amy", {"password": "another-one-12"}).status_code == 200
    assert amy.get("/me").status_code == 401


def test_sync_imports_and_an_avatar_is_checked(admin: Client, node: Node) -> None:
    node.services.served[node.appid].api.kf_add(f"amy@{WECHAT_ID}", "客服小林")
    done = admin.post(f"{PATH}/sync", {}).json()["data"]
    assert done["imported"] == [f"amy@{WECHAT_ID}"]
    path = f"{PATH}/amy/avatar"
    png = admin.send("POST", f"/api/v1{path}", data=b"\x89PNG\r\n\x1a\n....")
    assert png.status_code == 415
    jpeg = admin.send("POST", f"/api/v1{path}", files={"file": ("a.jpg", b"\xff\xd8\xff\xe0....")})
    assert jpeg.status_code == 200
    assert admin.post(f"{PATH}/amy/invite", {"invite_wx": "amy_wechat"}).status_code == 200
    assert admin.data(f"{PATH}/amy")["platform"] == "invited"


def test_fields_that_are_wrong_are_named(admin: Client) -> None:
    for body, field in (
        ({"kf_account": "much-too-long", "nickname": "x"}, "kf_account"),
        ({"kf_account": "amy", "nickname": "n" * 17}, "nickname"),
        ({"kf_account": "amy", "nickname": "Amy", "groups": ["none"]}, "groups"),
        ({"kf_account": "amy", "nickname": "Amy", "max_sessions": -1}, "max_sessions"),
        ({"kf_account": "amy", "nickname": "Amy", "password": "short"}, "password"),
        ({"kf_account": "amy", "nickname": "Amy", "surprise": 1}, "surprise"),
    ):
        response = admin.post(PATH, body)
        assert response.status_code == 422, response.text
        assert [error["field"] for error in response.json()["errors"]] == [field]


def test_agents_and_supervisors_may_not_administer(node: Node) -> None:
    for client in (node.agent("amy"), node.person("lea", "supervisor")):
        assert client.get(PATH).status_code == 403
        assert client.post(PATH, {"kf_account": "x", "nickname": "x"}).status_code == 403
