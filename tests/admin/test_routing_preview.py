"""The preview of edited rules, which uses the functions that route and stores nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.admin.test_admin_api import serving
from tests.api.conftest import WECHAT_ID, Client, Node
from tests.support import wait_until

DAY_MS = 86_400_000
RULES: list[dict[str, Any]] = [
    {"group": "premium_support", "priority": 9, "when": {"vip_level_above": 3}, "greeting": "贵宾"},
    {"group": "retention_team", "priority": 5, "when": {"purchased_within_days": 7}},
    {"group": "premium_support", "when": {"tags_any": ["团购"]}},
    {"group": "retention_team", "when": {"source": "qrscene_42"}},
    {"group": "premium_support", "when": {"language": "en"}},
    {"group": "retention_team", "when": {"previous_agent": f"amy@{WECHAT_ID}"}},
]
EDITED: dict[str, Any] = {"default_group": "general_support", "rules": RULES}


def tried(admin: Client, **asked: Any) -> dict[str, Any]:
    answer = admin.post("/admin/routing/preview", {"routing": EDITED, **asked})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


@pytest.fixture
def manned(node: Node) -> Node:
    """Every group has a member; nobody is online."""
    for name in ("premium_support", "retention_team", "general_support"):
        node.agent(name[:4], in_groups=(name,))
    return node


def test_made_up_facts_say_which_rule_fits_and_where_it_leads(admin: Client, manned: Node) -> None:
    now_ms = manned.services.served[manned.appid].account.store.now_ms()
    cases: list[tuple[dict[str, Any], int]] = [
        ({"facts": {"vip_level": 4}}, 1),
        ({"facts": {"vip_level": 3}}, 0),
        ({"facts": {"last_purchase_ms": now_ms - 6 * DAY_MS}}, 2),
        ({"facts": {"last_purchase_ms": now_ms - 8 * DAY_MS}}, 0),
        ({"facts": {"tags": ["团购"]}}, 3),
        ({"source": "qrscene_42"}, 4),
        ({"facts": {"language": "en"}}, 5),
        ({"previous_agent": "amy"}, 6),
        ({}, 0),
    ]
    for asked, number in cases:
        found = tried(admin, **asked)
        wanted = RULES[number - 1] if number else {"group": "general_support"}
        assert (found["number"], found["group"]) == (number, wanted["group"]), asked
        assert found["priority"] == wanted.get("priority", 0)
        assert found["greeting"] == wanted.get("greeting", "")
        assert (found["kf_account"], found["openid"]) == (None, None)
        assert "candidates" not in found["why"]


def test_what_is_tried_for_a_customer_is_what_happens_once_the_rules_are_saved(
    admin: Client, node: Node
) -> None:
    serving(node, "amy")
    serving(node, "vera", in_groups=("premium_support",))
    account = node.services.served[node.appid].account
    wait_until(lambda: account.attendance.roster().online_in("premium_support"))
    admin.put("/customers/o1/facts", {"tags": ["团购"]})
    live = admin.post("/admin/routing/preview", {"openid": "o1"}).json()["data"]
    assert (live["group"], live["kf_account"]) == ("general_support", f"amy@{WECHAT_ID}")
    found = tried(admin, openid="o1")
    assert (found["number"], found["kf_account"]) == (3, f"vera@{WECHAT_ID}")
    assert found["open_session"] is None
    assert tried(admin, openid="o1", facts={"tags": None})["number"] == 0
    assert admin.put("/admin/routing", EDITED).status_code == 200
    node.says("o1")
    card = admin.data(f"/sessions/{node.session_of('o1')}/routing")
    for part in ("rule", "group", "chosen", "hours", "fallback", "candidates", "priority"):
        assert card[part] == found["why"][part], part
    assert tried(admin, openid="o1")["open_session"] == node.session_of("o1")


def test_trying_keeps_nothing_and_says_what_is_wrong_with_the_rules(
    admin: Client, node: Node
) -> None:
    tried(admin, openid="o1", facts={"vip_level": 9}, source="qrscene_42")
    assert admin.data("/admin/routing")["version"] == 0
    assert node.session_of("o1") == "" and admin.get("/customers/o1").status_code == 404
    account = node.services.served[node.appid].account
    assert account.store.customer("o1")[0].source == ""
    assert not [e for e in admin.data("/admin/audit") if e["act"].startswith("routing")]
    wrong = EDITED | {"rules": [{"group": "gone"}]}
    refused = admin.post("/admin/routing/preview", {"routing": wrong})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "rule 1")
    amy = serving(node, "amy")
    assert amy.post("/admin/routing/preview", {}).status_code == 403


def test_a_group_that_must_be_asked_for_says_so(admin: Client, node: Node) -> None:
    entry = {"mode": "on_request", "words": ["人工"]}
    found = admin.post("/admin/routing/preview", {"routing": EDITED | {"entry": entry}}).json()
    assert found["data"]["asks_first"] is True
    assert tried(admin)["asks_first"] is False
