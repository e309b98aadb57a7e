"""Whoever can write a text writes a hostile one: it is shown as it stands, and nothing of it runs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support import wait_until
from tests.web.world import DemoNode, Desk, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

Desks = Callable[..., Desk]

EVIL = """'"><s class=own><img src=x onerror=own()><script>own()</script>"""
SHORT = '"><s class=own>'
"""What still fits where WeChat allows 16 characters."""

SCRIPT_URL = "javascript:own()"
TRAP = "window.own = () => { window.owned = true; };"
HARM = """() => {
  const made = document.querySelectorAll(
    ".own, img[src='x'], script:not([src]), [onerror], a[href^='javascript' i], iframe[src^='javascript' i]");
  return [...made].map((one) => one.outerHTML).concat(window.owned ? ["it ran"] : []);
}"""

assert len(EVIL) <= 64 and len(SHORT) <= 16


@dataclass
class Office:
    """A node all of whose texts are hostile, and one conversation with everything in it."""

    node: DemoNode
    openid: str
    agent: Desk

    def own(self, method: str, path: str, body: Any = None) -> Any:
        """By the API, as the agent."""
        return self.node.as_person("agent1", method, path, body)


@pytest.fixture
def office(desk: Desks, node: DemoNode) -> Office:
    openid = f"o{secrets.token_hex(12)[:23]}evil"
    what_admins_write(node, openid)
    agent = desk()
    agent.context.add_init_script(TRAP)
    made = Office(node, openid, agent)
    what_agents_write(made)
    what_customers_write(made)
    return made


def what_admins_write(node: DemoNode, openid: str) -> None:
    lin = next(
        one for one in node.admin("GET", "/admin/kf-accounts") if one["username"] == "agent1"
    )
    group = {"title": EVIL, "closed_message": EVIL, "members": [lin["kf_account"]]}
    made = node.admin("POST", "/admin/groups", group | {"name": f"g{secrets.token_hex(3)}"})
    node.admin("PUT", "/admin/groups/general_support", group | {"title": "综合客服"})
    rules = node.admin("GET", "/admin/routing")
    rule = {"group": made["name"], "priority": 1, "when": {"tags_any": [EVIL]}, "greeting": EVIL}
    answer = {"words": ["营业时间"], "text": EVIL}
    kept = {n: rules[n] for n in ("version", "default_group", "entry") if n in rules}
    node.admin("PUT", "/admin/routing", kept | {"rules": [rule], "answers": [answer]})
    for lang in ("zh", "en"):
        node.admin("PUT", "/admin/notices/serving", {"lang": lang, "text": EVIL})
    account = {"kf_account": f"k{secrets.token_hex(3)}", "nickname": SHORT}
    node.admin("POST", "/admin/kf-accounts", account | {"password": "agent-password-1"})
    person = {"username": f"p{secrets.token_hex(3)}", "role": "agent", "display_name": EVIL}
    node.admin("POST", "/admin/people", person | {"password": "agent-password-1"})
    node.admin("POST", "/canned-replies", {"title": EVIL, "text": EVIL, "shared": True})
    facts = {"city": EVIL, "more": [EVIL], "tags": [EVIL], "vip_level": 1}
    node.admin("PUT", f"/customers/{openid}/facts", facts)


def what_agents_write(office: Office) -> None:
    office.agent.sign_in("agent1").serve()
    office.node.says(office.openid, "请看下面这些")
    office.agent.open("请看下面这些")
    path = f"/customers/{office.openid}"
    office.own("PATCH", path, {"remark": EVIL, "tags": [SHORT]})
    office.own("POST", f"{path}/notes", {"text": EVIL})
    for text in (EVIL, f"看 {SCRIPT_URL} 和 https://example.com/{SHORT}"):
        office.agent.write(text)
    news = {"title": EVIL, "description": EVIL, "url": "https://example.com/", "picurl": ""}
    menu = {"head": EVIL, "items": [EVIL], "tail": EVIL}
    for kind, name, content in (("news", "article", news), ("msgmenu", "menu", menu)):
        body = {"client_id": kind, "type": kind, name: content}
        office.own("POST", f"/sessions/{session(office)['id']}/messages", body)
    whisper = {"text": EVIL}
    office.node.admin("POST", f"/sessions/{session(office)['id']}/whisper", whisper)


def what_customers_write(office: Office) -> None:
    says, openid = office.node.says, office.openid
    says(openid, EVIL)
    says(openid, "", type="link", title=EVIL, description=EVIL, url=SCRIPT_URL)
    says(openid, "", type="location", label=EVIL)
    says(openid, "", type="voice", recognition=EVIL)
    says(openid, "", type="file", title=EVIL, description=EVIL)
    says(openid, "", type="miniprogrampage", title=EVIL, page_path=EVIL)
    says(openid, "", type="event", event="CLICK", event_key=EVIL)


def session(office: Office) -> dict[str, Any]:
    found = office.node.admin("GET", "/sessions?state=SERVING")
    (one,) = [row for row in found if row["openid"] == office.openid]
    row: dict[str, Any] = one
    return row


def harmless(page: Page) -> None:
    for frame in page.frames:
        assert frame.evaluate(HARM) == [], frame.url


def shown(place: Locator, text: str = EVIL, at_least: int = 1) -> None:
    """The text stands there as it was written."""
    wait_until(lambda: place.inner_text().count(text) >= at_least)


def test_on_the_desk_hostile_texts_are_only_text(office: Office) -> None:
    page = office.agent.page
    thread = page.locator(".thread")
    shown(thread, at_least=14)
    expect(page.locator(".thread a[href='https://example.com/']")).to_have_count(2)
    shown(page.locator(".row"))
    shown(page.locator(".chat-head"))
    page.get_by_role("button", name="客户资料").click()
    card = page.get_by_role("complementary", name="客户资料")
    shown(card, at_least=4)
    shown(card.locator(".tags"), SHORT)
    page.get_by_role("button", name="快捷回复").click()
    dialog = page.get_by_role("dialog")
    shown(dialog, at_least=2)
    dialog.get_by_role("button", name=EVIL).first.click()
    expect(page.get_by_label("回复客户")).to_have_value(EVIL)
    harmless(page)
    page.get_by_role("button", name="更多").click()
    page.get_by_role("menuitem", name="图文链接").click()
    page.get_by_label("标题").fill(EVIL)
    page.get_by_label("链接地址").fill(SCRIPT_URL)
    shown(dialog.locator(".seen"))
    expect(dialog.locator(".seen a")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="为什么是我").click()
    shown(dialog)
    page.keyboard.press("Escape")
    page.get_by_label("搜索会话").fill("<script>")
    shown(page.locator(".results"), at_least=2)
    harmless(page)
    office.node.says(office.openid, "", type="event", event="SCAN", event_key=SHORT)
    shown(thread, SHORT)
    harmless(page)


def test_in_the_console_hostile_texts_are_only_text(office: Office, desk: Desks) -> None:
    lead = desk()
    lead.context.add_init_script(TRAP)
    page = lead.page
    page.goto(f"{office.node.url}/admin?lang=zh")
    sign_in(page, "admin", office.node.password("admin"))
    page.locator(".figure").first.wait_for()
    visits = {
        "overview": (SHORT, "main"),
        "accounts": (SHORT, "main"),
        "people": (EVIL, "main"),
        "groups": (EVIL, "main"),
        "ring": (EVIL, ".section-head select"),
        f"live/{session(office)['id']}": (EVIL, ".watched-thread"),
        "notices": (EVIL, ".bubble-preview:has-text('onerror')"),
    }
    for section, (text, place) in visits.items():
        page.evaluate("to => { location.hash = to; }", section)
        shown(page.locator(place).first, text)
        harmless(page)
    page.evaluate("location.hash = 'rules'")
    expect(page.get_by_label("接入时的问候")).to_have_value(EVIL)
    expect(page.get_by_label("有任一标签", exact=True)).to_have_value(EVIL)
    harmless(page)
    closed = f"/sessions/{session(office)['id']}/close"
    office.node.admin("POST", closed, {"reason": EVIL})
    page.evaluate("location.hash = 'audit'")
    shown(page.locator("main"))
    page.get_by_text("原始记录").first.click()
    harmless(page)


def test_on_the_phone_and_in_the_demo_hostile_texts_are_only_text(
    office: Office, desk: Desks
) -> None:
    visitor = desk()
    visitor.context.add_init_script(TRAP)
    page, node = visitor.page, office.node
    demo = "oDemoCustomer".ljust(27, "0") + "A"
    node.says(demo, EVIL)
    node.says(demo, "", type="location", label=EVIL)
    row = next(r for r in node.admin("GET", "/sessions?state=SERVING") if r["openid"] == demo)
    for at, text in enumerate((EVIL, f'<a href="{SCRIPT_URL}">点这里</a>')):
        body = {"client_id": str(at), "type": "text", "text": text}
        office.own("POST", f"/sessions/{row['id']}/messages", body)
    page.goto(f"{node.url}/demo")
    phone = page.frame_locator("#phone")
    shown(phone.locator("#chat"), at_least=4)
    expect(phone.locator(".bubble a", has_text="点这里")).to_have_count(1)
    expect(phone.locator("a[href^=javascript]")).to_have_count(0)
    harmless(page)
