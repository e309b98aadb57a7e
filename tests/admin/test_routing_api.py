"""Rules and groups over the API: checked, audited, versioned, in force on this node at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.directory.customer_tags import PlatformTags
from app.plan.plans import Plans
from app.wechat.http import JSON_HEADERS, utf8_json
from tests.admin.test_admin_api import serving
from tests.api.conftest import WECHAT_ID, Client, Node
from tests.support import wait_until

FAR_MS = 4_000_000_000_000
VIP_FIRST: dict[str, Any] = {
    "default_group": "general_support",
    "rules": [
        {
            "group": "premium_support",
            "priority": 9,
            "greeting": "贵宾您好",
            "when": {"tags_any": ["vip"]},
        }
    ],
}


@pytest.fixture
def admin(node: Node) -> Client:
    return node.client(node.token("admin"))


def replied(push: dict[str, Any]) -> str:
    return str(push["reply"])


def test_rules_are_changed_by_whoever_saw_the_live_ones_and_every_version_comes_back(
    admin: Client,
) -> None:
    shown = admin.data("/admin/routing")
    assert shown["version"] == 0 and shown["rules"][0]["group"] == "premium_support"
    first = admin.put("/admin/routing", VIP_FIRST | {"version": 0})
    assert first.status_code == 200, first.text
    assert first.json()["data"]["version"] == 1 and first.json()["meta"]["by"] == "admin"
    late = admin.put("/admin/routing", shown)
    assert (late.status_code, late.json()["code"], late.json()["version"]) == (409, "conflict", 1)
    assert admin.data("/admin/routing") == first.json()["data"]
    assert [v["version"] for v in admin.data("/admin/routing/versions")] == [1, 0]
    assert admin.data("/admin/routing/versions/0")["rules"] == shown["rules"]
    back = admin.post("/admin/routing/restore", {"version": 0}).json()["data"]
    assert (back["version"], back["rules"]) == (2, shown["rules"])
    assert admin.post("/admin/routing/restore", {"version": 9}).status_code == 404
    acts = [e["act"] for e in admin.data("/admin/audit") if e["act"].startswith("routing.")]
    assert acts == ["routing.restore", "routing.update"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"default_group": "nowhere"}, "default_group"),
        ({"rules": [{"group": "gone"}]}, "rule 1"),
        ({"rules": [{"group": "general_support", "when": {"shoe_size": 4}}]}, "rule 1"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"answers": [{"words": ["a", "A"], "text": "x"}] * 2}, "answers"),
    ],
)
def test_a_document_that_cannot_be_used_is_refused_with_its_field_and_changes_nothing(
    admin: Client, change: dict[str, Any], field: str
) -> None:
    refused = admin.put("/admin/routing", VIP_FIRST | change)
    assert refused.status_code == 422, refused.text
    assert field in [error["field"] for error in refused.json()["errors"]]
    assert admin.data("/admin/routing")["version"] == 0


def test_a_rule_sends_the_customer_greets_him_and_explains_itself(
    admin: Client, node: Node
) -> None:
    assert admin.put("/admin/routing", VIP_FIRST).status_code == 200
    serving(node, "amy")
    node.agent("vera", in_groups=("premium_support",)).online()
    account = node.services.served[node.appid].account
    wait_until(lambda: account.attendance.roster().online_in("premium_support"))
    assert admin.put("/customers/o1/facts", {"tags": ["vip"]}).status_code == 200
    preview = admin.data("/admin/ring?openid=o1")["decision"]
    assert "贵宾您好" in replied(node.says("o1"))
    sid = node.session_of("o1")
    card = admin.data(f"/sessions/{sid}/routing")
    assert preview["kf_account"] == card["chosen"] == f"vera@{WECHAT_ID}"
    for part in ("rule", "hours", "fallback", "candidates", "group"):
        assert preview["why"][part] == card[part]
    assert card["rule"]["number"] == 1 and card["hours"]["open"]
    assert card["effective_ms"] == card["at_ms"] - 9 * 60_000


def test_wechats_own_tags_choose_the_group_once_they_were_read_behind_the_callback(
    admin: Client, node: Node
) -> None:
    assert admin.put("/admin/routing", VIP_FIRST).status_code == 200
    served = node.services.served[node.appid]
    node.says("o1")
    body = utf8_json({"tag": {"name": "vip"}})
    made = served.api._call("POST", "/cgi-bin/tags/create", {}, body=body, headers=JSON_HEADERS)
    tag = json.loads(made.body)["tag"]["id"]
    tagged = {"openid_list": ["o1"], "tagid": tag}
    served.api._post("/cgi-bin/tags/members/batchtagging", tagged)
    assert admin.data("/admin/ring?openid=o1")["decision"]["why"]["rule"] is None
    wait_until(lambda: served.account.store.customer("o1")[0].tags_read_ms)
    PlatformTags(node.services.redis, served.api, node.services.background).refresh("o1", FAR_MS)
    decision = admin.data("/admin/ring?openid=o1")["decision"]
    assert decision["why"]["rule"]["when"] == {"tags_any": ["vip"]}
    assert served.account.store.customer("o1")[0].platform_tags == ("vip",)
    for text in ("在吗", "急"):
        node.says("o1", text)
    rows = node.client().http.get(f"{node.simulator.base}/sim/api/requests", timeout=10).json()
    asked = [row for row in rows["data"] if row["path"] == "/cgi-bin/user/info"]
    assert len(asked) == 2  # once by itself, once by this test: the answer is cached for hours


def test_the_scene_that_led_a_customer_here_is_remembered_for_his_first_message(
    admin: Client, node: Node
) -> None:
    rule = {"group": "premium_support", "when": {"source": "qrscene_42"}}
    assert admin.put("/admin/routing", VIP_FIRST | {"rules": [rule]}).status_code == 200
    node.says("o1", type="event", event="SCAN", event_key="42")
    assert admin.data("/admin/ring?openid=o1")["decision"]["why"]["rule"]["number"] == 1
    assert admin.data("/admin/ring?openid=o2")["decision"]["why"]["rule"] is None


def test_a_group_has_members_hours_and_a_fallback_of_its_own(admin: Client, node: Node) -> None:
    amy = serving(node, "amy")
    body = {
        "name": "night",
        "title": "夜班",
        "fallback": "general_support",
        "fallback_after_s": 30,
        "assign": "manual",
        "hours": {"weekly": {"mon": ["22:00-06:00"]}, "exceptions": {"2026-10-01": []}},
        "closed_message": "晚上十点见",
        "members": ["amy"],
    }
    made = admin.post("/admin/groups", body)
    assert made.status_code == 201, made.text
    shown = made.json()["data"]
    assert shown["members"] == [f"amy@{WECHAT_ID}"] and shown["assign"] == "manual"
    assert shown["hours"]["weekly"] == {"mon": ["22:00-06:00"]}
    account = node.services.served[node.appid].account
    assert account.groups_of(f"amy@{WECHAT_ID}") == ("night",)
    assert account.plan().group("night").fallback_after_s == 30
    assert [g["name"] for g in amy.data("/groups") if amy.data("/me")["kf_account"] in g["members"]]
    changed = admin.put("/admin/groups/night", {"title": "夜间", "members": []}).json()["data"]
    assert (changed["members"], changed["hours"], changed["assign"]) == ([], None, "auto")
    assert account.groups_of(f"amy@{WECHAT_ID}") == ("general_support",)
    acts = {e["act"]: e["detail"] for e in reversed(admin.data("/admin/audit"))}
    assert {"group.create", "group.members", "group.update"} <= acts.keys()
    before = acts["group.update"]["before"]
    assert (before["title"], before["settings"]["assign"]) == ("夜班", "manual")
    assert acts["group.members"] == {"before": [f"amy@{WECHAT_ID}"], "after": []}


@pytest.mark.parametrize(
    "change",
    [
        {"members": ["ghost"]},
        {"fallback": "night"},
        {"hours": {"weekly": {"someday": []}}},
        {"hours": {"weekly": {"mon": ["25:00-26:00"]}}},
        {"hours": {"timezone": "Mars/Base"}},
        {"hours": {"exceptions": {"tomorrow": []}}},
        {"fallback_after_s": -1},
        {"assign": "random"},
        {"settings": {}},
    ],
)
def test_a_group_that_cannot_be_meant_is_refused_and_nothing_of_it_is_kept(
    admin: Client, change: dict[str, Any]
) -> None:
    admin.post("/admin/groups", {"name": "night", "title": "夜班"})
    refused = admin.put("/admin/groups/night", {"title": "白班", **change})
    assert refused.status_code == 422, refused.text
    assert admin.data("/admin/groups/night")["title"] == "夜班"


def test_another_node_follows_within_seconds_without_being_told(admin: Client, node: Node) -> None:
    other = Plans(node.services.engine, node.appid, "Asia/Shanghai", refresh_s=0.1)
    moved: list[frozenset[str]] = []
    other.on_members = moved.append
    other.reload()
    serving(node, "amy")
    admin.put("/admin/routing", VIP_FIRST)
    admin.put("/admin/groups/premium_support", {"title": "贵宾", "members": ["amy"]})
    wait_until(lambda: len(other().routing.rules) == 1 and moved)
    assert moved == [frozenset({f"amy@{WECHAT_ID}"})]


def test_conversations_begin_on_request_where_the_account_wants_it(
    admin: Client, node: Node
) -> None:
    entry = {"mode": "on_request", "words": ["人工", "help"], "menu_keys": ["HUMAN"]}
    answers = [{"words": ["营业时间"], "text": "周一至周五 9:00-18:00"}]
    assert admin.put("/admin/routing", VIP_FIRST | {"entry": entry, "answers": answers}).ok
    serving(node, "amy")
    assert "周一至周五" in replied(node.says("o1", " 营业时间 "))
    assert "人工" in replied(node.says("o1", "你们好"))
    assert admin.data("/sessions") == []
    node.says("o1", "HELP")
    assert len(admin.data("/sessions")) == 1
