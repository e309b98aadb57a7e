"""Who works by keyboard: where he is can be seen on every page, and what he does needs no mouse."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support import wait_until
from tests.web.world import DemoNode, Desk, sign_in, tab_to

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

Desks = Callable[..., Desk]
CONTRAST_MIN = 3.0
"""WCAG 2.2, 1.4.11, for the mark of the focus against what is around it."""

MARK = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const shown = at.closest(".button") ?? at;
  const style = getComputedStyle(shown);
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const seen = (text) => rgb(text)[3] !== 0;
  let around = shown.parentElement;
  while (around && !seen(getComputedStyle(around).backgroundColor)) around = around.parentElement;
  const part = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const shares = [0.2126, 0.7152, 0.0722];
  const light = (text) => shares.reduce((sum, share, at) => sum + share * part(rgb(text)[at]), 0);
  const both = [light(style.outlineColor), light(getComputedStyle(around ?? document.body).backgroundColor)];
  return {
    what: at.outerHTML.slice(0, 120),
    style: style.outlineStyle,
    width: parseFloat(style.outlineWidth),
    contrast: (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05),
  };
}"""


@pytest.fixture
def anna() -> str:
    """A customer nobody has met, shown as 客户anna."""
    return f"o{secrets.token_hex(12)[:23]}anna"


def marks(page: Page, steps: int) -> list[dict[str, Any]]:
    """What Tab reaches from the page's beginning, and how each shows that it is there."""
    page.evaluate("document.activeElement.blur()")
    found = list[dict[str, Any]]()
    for _ in range(steps):
        page.keyboard.press("Tab")
        mark = page.evaluate(MARK)
        if mark is not None:
            found.append(mark)
    return found


def unseen(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        one
        for one in found
        if one["style"] == "none" or one["width"] < 2 or one["contrast"] < CONTRAST_MIN
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_the_desk_tab_goes_through_everything_and_shows_where_it_is(
    desk: Desks, node: DemoNode, anna: str, theme: str
) -> None:
    agent = desk(color_scheme=theme)
    agent.page.goto(f"{node.url}/desk")
    agent.page.get_by_label("用户名").wait_for()
    form = marks(agent.page, 4)
    assert len(form) >= 3 and unseen(form) == []
    agent.sign_in("agent1").serve()
    node.says(anna, "您好")
    agent.open("您好")
    agent.page.get_by_role("button", name="客户资料").click()
    agent.page.locator(".customer .remark").wait_for()
    reached = marks(agent.page, 40)
    assert len({one["what"] for one in reached}) >= 20
    assert unseen(reached) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_in_the_console_tab_shows_where_it_is_on_every_page(
    desk: Desks, node: DemoNode, theme: str
) -> None:
    lead = desk(color_scheme=theme)
    lead.page.goto(f"{node.url}/admin?lang=zh")
    sign_in(lead.page, "admin", node.password("admin"))
    lead.page.locator(".figure").first.wait_for()
    for section in ("accounts", "groups", "rules", "ring", "notices", "audit"):
        lead.page.evaluate("to => { location.hash = to; }", section)
        expect(lead.page.locator("main h1")).to_be_visible()
        reached = marks(lead.page, 30)
        assert len({one["what"] for one in reached}) >= 12, section
        assert unseen(reached) == [], section


def test_a_customer_is_taken_answered_handed_on_and_closed_by_keyboard_alone(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    node.says(anna, "有人吗")
    agent = desk().sign_in("agent1")
    page, keys = agent.page, agent.page.keyboard
    node.admin("PUT", "/admin/groups/general_support", manual(node, True))
    try:
        agent.serve()
        page.evaluate("document.activeElement.blur()")
        keys.press("2")
        tab_to(page, "接入")
        keys.press("Enter")
        agent.shows("有人吗")
        expect(page.get_by_label("回复客户")).to_be_focused()
        keys.type("在的")
        keys.press("Enter")
        wait_until(lambda: node.texts(anna) == ["在的"])
        keys.press("Escape")
        keys.press("t")
        expect(page.get_by_role("dialog", name="转接")).to_be_visible()
        keys.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        keys.press("x")
        expect(page.get_by_role("dialog", name="结束会话")).to_be_visible()
        tab_to(page, "结束会话")
        keys.press("Enter")
        expect(page.locator(".readonly")).to_contain_text("会话已结束")
    finally:
        node.admin("PUT", "/admin/groups/general_support", manual(node, False))


NEXT_KEY_AT_ONCE = """() => {
  const dialog = document.querySelector("dialog[open]");
  const x = new KeyboardEvent("keydown", { key: "x", bubbles: true });
  new MutationObserver(() => document.body.dispatchEvent(x)).observe(dialog, { attributeFilter: ["open"] });
  window.told = new Promise((tell) => dialog.addEventListener("close", () => setTimeout(tell)));
}"""


def test_a_key_pressed_as_a_dialog_goes_away_opens_the_next_one(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    node.says(anna, "您好")
    agent.open("您好")
    agent.page.get_by_role("button", name="转接").click()
    expect(agent.page.get_by_role("dialog", name="转接")).to_be_visible()
    agent.page.evaluate(NEXT_KEY_AT_ONCE)
    agent.page.keyboard.press("Escape")
    agent.page.evaluate("() => window.told")
    expect(agent.page.get_by_role("dialog", name="结束会话")).to_be_visible()


def manual(node: DemoNode, by_hand: bool) -> dict[str, Any]:
    """The default group, whose agents take customers themselves or are given them."""
    group = next(g for g in node.admin("GET", "/admin/groups") if g["name"] == "general_support")
    return {"title": group["title"], "assign": "manual" if by_hand else "auto"}
