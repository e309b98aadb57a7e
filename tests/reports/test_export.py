from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.reports.exports import csv_bytes, safe_cell
from tests.admin.test_admin_api import serving
from tests.api.conftest import Client, Node
from tests.databases import database_settings
from tests.support import wait_until

NASTY = '=HYPERLINK("http://x")'


@pytest.fixture
def settings_of_node(database_url: str | None) -> dict[str, str]:
    """A node on each database in turn."""
    return database_settings(database_url)


def table(admin: Client, path: str) -> list[dict[str, str]]:
    answer = admin.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith("\ufeff".encode())
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def reply(agent: Client, session: str, text: str) -> None:
    body = {"client_id": f"c{len(text)}", "type": "text", "text": text}
    assert agent.post(f"/sessions/{session}/messages", body).status_code == 202


def story(node: Node) -> tuple[str, str]:
    """One conversation that is archived, one that is open; their ids."""
    amy = serving(node, "amy")
    node.says("customer-1", NASTY)
    closed = node.session_of("customer-1")
    reply(amy, closed, "您好，请稍等")
    wait_until(lambda: any(m.get("text") == "您好，请稍等" for m in node.transcript("customer-1")))
    assert amy.post(f"/sessions/{closed}/close", {}).status_code == 200
    node.archived(closed)
    node.says("customer-2", "第一行\n第二行")
    return closed, node.session_of("customer-2")


def test_conversations_come_as_a_table_in_words_and_local_time(admin: Client, node: Node) -> None:
    closed, opened = story(node)
    rows = {row["会话编号"]: row for row in table(admin, "/admin/export/conversations")}
    assert set(rows) == {closed, opened}
    assert rows[closed]["状态"] == "已结束" and rows[opened]["状态"] == "接待中"
    assert rows[closed]["结束原因"] == "客服结束"
    assert rows[closed]["客服账号"] == "amy@shop"
    began = datetime.strptime(rows[opened]["开始时间"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert abs(began - timedelta(hours=8) - datetime.now(UTC)) < timedelta(minutes=2)
    english = table(admin, "/admin/export/conversations?lang=en&kf_account=amy")
    assert {row["State"] for row in english} == {"closed", "serving"}


def test_messages_come_in_order_and_none_is_a_formula(admin: Client, node: Node) -> None:
    closed, opened = story(node)
    rows = table(admin, "/admin/export/messages")
    said = [(row["会话编号"], row["方向"], row["内容"]) for row in rows if row["方向"] != "系统"]
    assert (closed, "客户", f"'{NASTY}") in said
    assert (closed, "客服", "您好，请稍等") in said
    assert (opened, "客户", "第一行\n第二行") in said
    assert [row["会话编号"] for row in rows] == sorted(
        (row["会话编号"] for row in rows), key=[closed, opened].index
    )


def test_an_export_is_narrowed_by_time_agent_and_group(admin: Client, node: Node) -> None:
    story(node)
    for query in ("since_ms=9000000000000", "until_ms=1000", "kf_account=bob", "group=sales"):
        assert table(admin, f"/admin/export/conversations?{query}") == []
        assert table(admin, f"/admin/export/messages?{query}") == []
    assert len(table(admin, "/admin/export/conversations?since_ms=1&group=general_support")) == 2
    assert admin.get("/admin/export/messages?since_ms=5&until_ms=5").status_code == 422


def test_an_export_is_audited_and_for_leads_only(admin: Client, node: Node) -> None:
    agent = serving(node, "amy")
    assert agent.get("/admin/export/messages").status_code == 403
    lead = node.person("lea", "supervisor")
    assert lead.get("/admin/export/messages?since_ms=5").status_code == 200
    entry: dict[str, Any] = admin.data("/admin/audit?act=export.messages")[0]
    assert entry["who"] == "lea" and entry["detail"] == {"since_ms": 5}


def test_cells_that_a_spreadsheet_would_run_are_disarmed() -> None:
    for text in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"):
        assert safe_cell(text) == f"'{text}"
    assert safe_cell("好=1") == "好=1"
    assert safe_cell("a\x00b\ud800") == "ab?"


def test_a_long_table_leaves_in_pieces() -> None:
    pieces = list(csv_bytes([str(n)] for n in range(1000)))
    assert len(pieces) == 6
    assert b"".join(pieces).decode("utf-8-sig").split() == [str(n) for n in range(1000)]
