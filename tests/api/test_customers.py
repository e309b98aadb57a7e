"""Customers, notes, facts, canned replies, colleagues and groups."""

from __future__ import annotations

from typing import Any

from app.storage import integrations
from app.storage.audit import acting
from tests.api.conftest import ACTOR, WECHAT_ID, Client, Node
from tests.support import wait_until


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "")


def served(node: Node) -> tuple[Client, str]:
    anna = node.agent("anna")
    anna.online()
    node.says("o1")
    return anna, node.session_of("o1")


def integration(node: Node) -> Client:
    with acting(node.services.engine) as conn:
        _, token = integrations.issue(conn, ACTOR, "crm", ["customers.facts"])
    return node.client(token)


def test_a_remark_is_shown_everywhere_and_told_to_wechat(node: Node) -> None:
    anna, sid = served(node)
    answer = anna.patch("/customers/o1", {"remark": "王女士", "tags": ["老客户"]})
    customer = answer.json()["data"]
    assert (customer["display_name"], customer["tags"]) == ("王女士", ["老客户"])
    assert anna.data(f"/sessions/{sid}")["customer"]["display_name"] == "王女士"
    api = node.services.served[node.appid].api
    wait_until(lambda: api.user_info("o1")["remark"] == "王女士")
    assert code(anna.patch("/customers/o1", {"remark": "a\nb"})) == (422, "invalid")
    assert code(anna.patch("/customers/o1", {"nickname": "x"})) == (422, "invalid")


def test_a_customer_is_shown_to_those_who_serve_him(node: Node) -> None:
    anna, sid = served(node)
    bob, lead = node.agent("bob"), node.person("lea", "supervisor")
    assert anna.data("/customers/o1")["session_id"] == sid
    assert lead.data("/customers/o1")["kf_account"] == f"anna@{WECHAT_ID}"
    assert code(bob.get("/customers/o1")) == (403, "forbidden")
    assert code(bob.patch("/customers/o1", {"remark": "x"})) == (403, "forbidden")
    assert code(lead.get("/customers/o404")) == (404, "not_found")
    anna.post(f"/sessions/{sid}/close", {})
    assert anna.data("/customers/o1")["session_id"] is None


def test_notes_are_made_listed_changed_and_removed(node: Node) -> None:
    anna, _ = served(node)
    lead = node.person("lea", "supervisor")
    first = anna.post("/customers/o1/notes", {"text": "喜欢蓝色"}).json()["data"]
    assert first["author"] == "anna"
    second = lead.post("/customers/o1/notes", {"text": "VIP"}).json()["data"]
    page = anna.get("/customers/o1/notes?limit=1").json()
    assert [n["id"] for n in page["data"]] == [second["id"]]
    rest = anna.get(f"/customers/o1/notes?cursor={page['meta']['next_cursor']}").json()
    assert [n["id"] for n in rest["data"]] == [first["id"]]
    path = f"/customers/o1/notes/{first['id']}"
    assert anna.patch(path, {"text": "喜欢红色"}).json()["data"]["text"] == "喜欢红色"
    assert code(anna.delete(f"/customers/o1/notes/{second['id']}")) == (403, "forbidden")
    assert anna.delete(path).status_code == 204
    assert code(anna.delete(path)) == (404, "not_found")


def test_facts_come_from_an_integration_and_steer_the_routing(node: Node) -> None:
    crm = integration(node)
    facts = {"vip_level": 9, "tags": ["老客户"], "language": "zh", "gone": None}
    answer = crm.put("/customers/o1/facts", facts)
    assert answer.json()["data"] == {"vip_level": 9, "tags": ["老客户"], "language": "zh"}
    customer, _ = node.services.served[node.appid].account.store.customer("o1")
    assert customer.facts["vip_level"] == 9
    assert crm.put("/customers/o1/facts", {"language": None}).json()["data"] == {
        "vip_level": 9,
        "tags": ["老客户"],
    }
    for wrong in ({"a b": 1}, ["vip"], {"x": "y" * 9000}):
        assert crm.put("/customers/o1/facts", wrong).status_code == 422


def test_a_fact_may_be_a_number_of_any_length(node: Node) -> None:
    """Order numbers of 20 and more digits are written as numbers by some shops."""
    order = 202611290000000000000001
    assert integration(node).put("/customers/o1/facts", {"order": order}).status_code == 200
    customer, _ = node.services.served[node.appid].account.store.customer("o1")
    assert customer.facts == {"order": order}


def test_an_integration_may_do_nothing_else(node: Node) -> None:
    crm = integration(node)
    for path in ("/me", "/sessions", "/customers/o1", "/agents", "/events"):
        assert code(crm.get(path)) == (403, "forbidden")
    assert code(node.client("kfi_made-up").put("/customers/o1/facts", {})) == (401, "unauthorized")


def test_facts_from_an_admin_are_taken_too(node: Node, admin: Client) -> None:
    assert admin.put("/customers/o9/facts", {"vip_level": 1}).status_code == 200


def test_canned_replies_are_ones_own_or_shared(node: Node) -> None:
    anna, bob, lead = node.agent("anna"), node.agent("bob"), node.person("lea", "supervisor")
    mine = anna.post("/canned-replies", {"title": "问候", "text": "您好"}).json()["data"]
    shared = {"title": "公告", "text": "放假", "shared": True}
    assert code(anna.post("/canned-replies", shared)) == (403, "forbidden")
    common = lead.post("/canned-replies", shared).json()["data"]
    assert {r["id"] for r in anna.data("/canned-replies")} == {mine["id"], common["id"]}
    assert {r["id"] for r in bob.data("/canned-replies")} == {common["id"]}
    assert code(bob.get(f"/canned-replies/{mine['id']}")) == (404, "not_found")
    assert code(bob.delete(f"/canned-replies/{common['id']}")) == (403, "forbidden")
    changed = anna.patch(f"/canned-replies/{mine['id']}", {"text": "您好呀"}).json()["data"]
    assert (changed["title"], changed["text"]) == ("问候", "您好呀")
    assert anna.delete(f"/canned-replies/{mine['id']}").status_code == 204
    assert anna.data(f"/canned-replies/{common['id']}")["shared"] is True


def test_colleagues_and_groups_show_live_numbers(node: Node) -> None:
    anna, _ = served(node)
    node.group("vip")
    node.agent("vera", in_groups=("vip",))
    agents = {row["kf_account"]: row for row in anna.data("/agents")}
    assert agents[f"anna@{WECHAT_ID}"] | {"nickname": ""} == {
        "kf_account": f"anna@{WECHAT_ID}",
        "nickname": "",
        "groups": ["general_support"],
        "status": "online",
        "present": True,
        "serving": True,
        "off_shift_ms": None,
        "load": 1,
        "max_sessions": 5,
    }
    assert agents[f"vera@{WECHAT_ID}"]["serving"] is False
    found = {row["name"]: row for row in anna.data("/groups")}
    assert found["general_support"]["online"] == 1 and found["general_support"]["seated"] == 1
    assert found["vip"]["members"] == [f"vera@{WECHAT_ID}"] and found["vip"]["online"] == 0


def test_what_a_supervisor_does_to_a_colleagues_note_is_marked_and_audited(
    node: Node, admin: Client
) -> None:
    anna, _ = served(node)
    lead, bob = node.person("lea", "supervisor"), node.agent("bob")
    note = anna.post("/customers/o1/notes", {"text": "熟客"}).json()["data"]
    path = f"/customers/o1/notes/{note['id']}"
    assert (note["edited_by"], note["edited_ms"]) == (None, None)
    assert code(bob.patch(path, {"text": "偷改"})) == (403, "forbidden")
    own = anna.patch(path, {"text": "老客户"}).json()["data"]
    assert (own["author"], own["edited_by"]) == ("anna", "anna")
    assert admin.data("/admin/audit?act=note.update") == []

    changed = lead.patch(path, {"text": "新客户"}).json()["data"]
    assert (changed["author"], changed["edited_by"]) == ("anna", "lea")
    assert changed["edited_ms"] >= changed["created_ms"]
    assert anna.data("/customers/o1/notes") == [changed]
    (entry,) = admin.data("/admin/audit?act=note.update")
    assert (entry["who"], entry["detail"]) == ("lea", {"author": "anna"})
    assert lead.delete(path).status_code == 204
    (entry,) = admin.data("/admin/audit?act=note.remove")
    assert (entry["who"], entry["object"]) == ("lea", f"{node.appid}:{note['id']}")
    assert lead.delete(path).status_code == 404
    assert len(admin.data("/admin/audit?act=note.remove")) == 1
