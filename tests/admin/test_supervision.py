"""A supervisor watches, whispers, takes over, gives away and ends; every act with its reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.admin.test_admin_api import serving
from tests.api.conftest import Client, Node, Stream
from tests.support import wait_until

Listen = Callable[..., Stream]


def texts(rows: list[dict[str, Any]]) -> list[str]:
    return [row["text"] for row in rows]


def test_a_supervisor_sees_everything_live_and_leaves_no_read_mark(
    node: Node, listen: Listen
) -> None:
    serving(node, "amy")
    lea = node.person("lea", "supervisor")
    stream = listen(lea)
    node.says("o1", "在吗")
    sid = node.session_of("o1")
    assert stream.wait("session.assigned")["session"]["id"] == sid
    node.says("o1", "急")
    wait_until(
        lambda: texts([e["message"] for e in stream.events("message.created")])[-1:] == ["急"]
    )
    assert texts(lea.data(f"/sessions/{sid}/messages")) == ["在吗", "急"]
    assert lea.data(f"/sessions/{sid}")["unread"] == 2
    assert lea.post(f"/sessions/{sid}/read").status_code == 403


def test_a_whisper_reaches_the_agent_and_never_the_customer(node: Node, listen: Listen) -> None:
    amy = serving(node, "amy")
    lea = node.person("lea", "supervisor")
    stream = listen(amy)
    node.says("o1", "能便宜吗")
    sid = node.session_of("o1")
    body = {"text": "最多九折", "reason": "新人", "client_id": "w1"}
    whispered = lea.post(f"/sessions/{sid}/whisper", body)
    assert whispered.status_code == 201
    assert lea.post(f"/sessions/{sid}/whisper", body).json()["data"] == whispered.json()["data"]
    heard = wait_until(
        lambda: [e["message"] for e in stream.events("message.created") if e["message"].get("code")]
    )
    assert heard[0]["values"] == {"by": "lea", "text": "最多九折"}
    assert [m.get("code") for m in amy.data(f"/sessions/{sid}/messages")][-1] == "whisper"
    assert "九折" not in str(node.transcript("o1"))
    assert amy.post(f"/sessions/{sid}/whisper", body).status_code == 403
    (entry,) = node.client(node.token("admin")).data("/admin/audit?act=session.whisper")[:1]
    assert (entry["object"], entry["detail"]["reason"]) == (sid, "新人")
    assert "九折" not in str(entry)


def test_nothing_is_whispered_into_a_closed_conversation(node: Node) -> None:
    amy = serving(node, "amy")
    lea = node.person("lea", "supervisor")
    node.says("o1")
    sid = node.session_of("o1")
    assert amy.post(f"/sessions/{sid}/close", {}).status_code == 200
    answer = lea.post(f"/sessions/{sid}/whisper", {"text": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "session_closed")


def test_a_supervisor_closes_only_with_a_reason(node: Node) -> None:
    serving(node, "amy")
    lea = node.person("lea", "supervisor")
    node.says("o1")
    sid = node.session_of("o1")
    assert lea.post(f"/sessions/{sid}/close", {}).status_code == 422
    closed = lea.post(f"/sessions/{sid}/close", {"reason": "辱骂"}).json()["data"]
    assert closed["close_reason"] == "supervisor"


def test_colleagues_see_who_looks_and_a_supervisor_only_if_he_wants(
    node: Node, listen: Listen
) -> None:
    amy = serving(node, "amy", seats=2)
    lea = node.person("lea", "supervisor")
    node.says("o1")
    sid = node.session_of("o1")
    stream = listen(amy)
    assert lea.post(f"/sessions/{sid}/view", {}).json()["data"] == []
    seen = lea.post(f"/sessions/{sid}/view", {"visible": True}).json()["data"]
    assert [v["who"] for v in seen] == ["lea"]
    assert stream.wait("viewer.changed")["viewing"] is True
    lea.post(f"/sessions/{sid}/view", {"visible": True})
    looking = amy.post(f"/sessions/{sid}/view", {}).json()["data"]
    assert {v["who"] for v in looking if v["kf_account"]} == {"amy"} and len(looking) == 2
    lea.post(f"/sessions/{sid}/view", {"visible": True, "active": False})
    wait_until(lambda: [e["viewing"] for e in stream.events("viewer.changed")][-1] is False)
    amy.post(f"/sessions/{sid}/typing", {})
    wait_until(lambda: [e for e in stream.events("viewer.changed") if e.get("typing")])


def test_off_shift_soon_shows_takes_nobody_new_and_can_be_taken_back(node: Node) -> None:
    amy = serving(node, "amy")
    answer = amy.post("/me/off-shift", {"in_s": 1200, "note": "请跟进"})
    assert answer.json()["data"]["off_shift_ms"] > 0
    assert amy.data("/agents")[0]["serving"] is False
    node.says("o1")
    assert amy.data("/sessions?mine=1") == []
    back = amy.delete("/me/off-shift")
    assert back.json()["data"]["off_shift_ms"] is None
    assert len(amy.data("/sessions?mine=1")) == 1
    amy.post("/me/off-shift", {"in_s": 0})
    wait_until(lambda: amy.data("/me")["status"] == "offline")
    assert amy.post("/me/off-shift", {"in_s": 60}).status_code == 409


def test_transfer_rules_are_kept_with_the_version_before_and_work_at_once(
    node: Node, admin: Client
) -> None:
    node.group("vip_desk")
    amy = serving(node, "amy")
    serving(node, "zoe", in_groups=("vip_desk",))
    shipped = admin.data("/admin/routing/transfers")
    assert (shipped["version"], shipped["previous"]) == (0, None)
    body = {"keywords": [{"words": ["经理"], "group": "vip_desk"}]}
    stored = admin.put("/admin/routing/transfers", body).json()["data"]
    assert (stored["version"], stored["previous"]["keywords"]) == (1, shipped["keywords"])
    node.says("o1")
    (session,) = amy.data("/sessions?mine=1")
    node.says("o1", "叫你们经理来")
    assert admin.data(f"/sessions/{session['id']}")["kf_account"].startswith("zoe@")
    entry = admin.data("/admin/audit?act=transfer_rules.update")[0]
    assert entry["detail"]["before"]["keywords"] == shipped["keywords"]
    wrong = {"keywords": [{"words": ["x"], "group": "nobody"}]}
    assert admin.put("/admin/routing/transfers", wrong).status_code == 404
    assert amy.put("/admin/routing/transfers", body).status_code == 403
