"""In Chinese a page is Chinese: no English word, raw state or code on it, whatever has happened."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import own_server as own_server
from tests.web.world import DemoNode, Desk, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

Desks = Callable[..., Desk]

TEXTS = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) {
      if (!node.parentElement.closest("pre, [lang=en]")) found.push(node.data);
      continue;
    }
    if (node.closest("pre, [lang=en]")) continue;
    for (const name of ["aria-label", "title", "placeholder", "alt"]) found.push(node.getAttribute(name));
  }
  return found.filter((text) => /[A-Za-z]{2,}/.test(text ?? ""));
}"""
"""What a person can read or hear, but not what is marked as English or recorded in the audit log."""

NAMES = re.compile(
    r"\{[a-z_]+\}|\b(Enter|Shift|Ctrl|Alt|Esc|MB|JPG|PNG|GIF|AMR|MP3|MP4|EN|CSV|openid)\b"
    r"|\b[a-z0-9_]+@[a-z_]+\b|\b(admin|agent[12]|lead)\b|\b[o0-9a-f]{24,28}\b"
)
"""Keys, kinds of files, placeholders, and what people chose: account names, openids and ids."""


def english(page: Page) -> set[str]:
    found: list[str] = page.evaluate(TEXTS)
    return {text.strip() for text in found if re.search("[A-Za-z]{2,}", NAMES.sub("", text))}


@pytest.fixture
def anna() -> str:
    """A customer nobody has met, shown as 客户0001."""
    return f"o{secrets.token_hex(12)[:23]}0001"


@pytest.fixture
def agent(desk: Desks, node: DemoNode, anna: str) -> Desk:
    """A conversation with everything in it that can go wrong or be sent."""
    made = desk()
    made.page.goto(f"{node.url}/desk")
    made.page.get_by_label("用户名").wait_for()
    assert english(made.page) == set()
    made.sign_in("agent1")
    assert english(made.page) == set()
    made.serve()
    node.says(anna, "请看")
    made.open("请看")
    for kind in ("image", "voice", "video", "location", "link", "file", "miniprogrampage"):
        node.says(anna, "", type=kind, title="标题", description="说明", page_path="一页")
    node.says(anna, "", type="unheard_of")
    for event in ("CLICK", "SCAN", "pic_weixin"):
        node.says(anna, "", type="event", event=event, event_key="人工")
    wrong = made.page.locator(".message[data-status=failed], .message[data-status=unknown]")
    for at, how in enumerate(({"errcode": 45166}, {"errcode": 99999}, {"http_status": 502}), 1):
        node.faults({"path": "/cgi-bin/message/custom/send", "count": 1, **how})
        made.write("会出错的话")
        expect(wrong).to_have_count(at)
    session = node.admin("GET", "/sessions?state=SERVING")[0]
    node.admin("POST", f"/sessions/{session['id']}/whisper", {"text": "请安抚"})
    return made


def test_the_desk_is_chinese_whatever_has_happened(agent: Desk, node: DemoNode) -> None:
    page = agent.page
    expect(page.locator(".message[data-status=unknown]")).to_have_count(1)
    expect(page.locator(".message[data-status=failed]")).to_have_count(2)
    assert english(page) == set()
    page.get_by_role("button", name="客户资料").click()
    page.locator(".customer .remark").wait_for()
    for button in ("为什么是我", "转接", "结束会话", "快捷回复", "键盘快捷键"):
        page.get_by_role("button", name=button, exact=True).first.click()
        page.get_by_role("dialog").wait_for()
        page.wait_for_timeout(200)
        assert english(page) == set(), button
        page.keyboard.press("Escape")
    for entry in ("图文链接", "菜单", "小程序页面"):
        page.get_by_role("button", name="更多").click()
        page.get_by_role("menuitem", name=entry).click()
        page.get_by_role("dialog").wait_for()
        assert english(page) == set(), entry
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")
    for tab in ("排队中", "已结束"):
        page.get_by_role("tab", name=tab).click()
        assert english(page) == set(), tab


def test_the_console_is_chinese_whatever_has_happened(
    agent: Desk, desk: Desks, node: DemoNode
) -> None:
    page = desk().page
    page.goto(f"{node.url}/admin?lang=zh")
    sign_in(page, "admin", node.password("admin"))
    page.locator(".figure").first.wait_for()
    sections = page.locator(".console nav a").evaluate_all("all => all.map((one) => one.hash)")
    assert len(sections) > 10
    for section in sections:
        page.evaluate("to => { location.hash = to; }", section)
        expect(page.locator("main h1")).to_be_visible()
        page.wait_for_timeout(400)
        if section == "#live":
            page.locator(".watch-list a").first.click()
            page.locator(".watched-thread").wait_for()
        assert english(page) == set(), section
    page.evaluate("location.hash = '#accounts'")
    page.get_by_role("button", name="编辑 客服小林").click()
    page.locator("dialog[open]").wait_for()
    assert english(page) == set()
