"""System lines in exports read as they do at the desk."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.reports.lines import Names, line_text
from app.reports.words import EN, ZH

ROOT = Path(__file__).resolve().parents[2]
NAMES = Names({"vip": "贵宾组"}, {"amy@shop": "小林", "bob@shop": "小王"})


@pytest.mark.parametrize(
    ("code", "values", "text"),
    [
        ("closed", {"reason": "agent", "by": "amy@shop"}, "会话已结束：客服结束"),
        ("taken", {"by": "amy@shop"}, "小林 接入了会话"),
        ("moved", {"by": "amy@shop", "to": "bob@shop", "why": "transfer"}, "小林 转接给 小王"),
        (
            "moved",
            {"by": "amy@shop", "to": "bob@shop", "why": "transfer", "note": "老客户"},
            "小林 转接给 小王，留言：老客户",
        ),
        (
            "moved",
            {"by": "amy@shop", "to": "", "why": "agent_lost", "note": "急"},
            "小林 已掉线，客户回到排队中，留言：急",
        ),
        (
            "handed_on",
            {"from": "vip", "to": "general_support"},
            "客户由 贵宾组 转到 general_support",
        ),
        (
            "unanswered",
            {"kf_account": "amy@shop", "waited_s": 200},
            "客户已等待 3 分钟，请尽快回复",
        ),
        ("whisper", {"by": "lead", "text": "{by} 100%"}, "lead 悄悄说（客户看不到）：{by} 100%"),
        ("of_a_later_version", {}, "会话有更新"),
    ],
)
def test_a_line_has_the_words_of_the_desk(code: str, values: dict[str, str], text: str) -> None:
    assert line_text(code, values, ZH, NAMES) == text
    assert line_text(code, values, EN, NAMES)


def test_every_line_that_is_written_has_words() -> None:
    sources = [*(ROOT / "app").rglob("*.py"), *(ROOT / "sessions").rglob("*.py")]
    written = "".join(path.read_text("utf-8") for path in sources)
    codes = set(re.findall(r'\bSystemLine\(\s*"([a-z_]+)"', written))
    assert len(codes) >= 7
    assert {f"line.{code}" for code in codes} <= ZH.keys() & EN.keys()
