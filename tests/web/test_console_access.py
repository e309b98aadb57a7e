"""The console for everybody: axe-core finds nothing serious, the keyboard reaches all, light and dark."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.web.world import ROOT, DemoNode, Desk, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

AXE = ROOT / "tests/web/vendor/axe.js"
SERIOUS = {"serious", "critical"}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
SECTIONS = [
    *("overview", "live", "dead", "accounts", "people", "groups"),
    *("rules", "ring", "notices", "data", "audit"),
]


def findings(page: Page) -> list[str]:
    """What axe-core calls serious, with the first element of each; the test's tool needs no CSP."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE.read_text("utf-8"))
    query = "(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}})"
    result: dict[str, Any] = page.evaluate(query, TAGS)
    return [
        f"{found['id']}: {found['nodes'][0]['html'][:160]}"
        for found in result["violations"]
        if found["impact"] in SERIOUS
    ]


def console_page(desk: Callable[..., Desk], node: DemoNode, **context: Any) -> Page:
    page = desk(**context).page
    page.goto(f"{node.url}/admin?lang=zh")
    sign_in(page, "admin", node.password("admin"))
    page.locator(".figure").first.wait_for()
    return page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(
    desk: Callable[..., Desk], node: DemoNode, theme: str
) -> None:
    desk().sign_in("agent1").serve()
    node.says("o" + secrets.token_hex(13), "您好")
    console = console_page(desk, node, color_scheme=theme, bypass_csp=True)
    found: list[str] = []
    for section in SECTIONS:
        console.evaluate(f"location.hash = '#{section}'")
        expect(console.locator("main h1")).to_be_visible()
        console.wait_for_timeout(500)
        if section == "live":
            console.locator(".watch-list a").first.click()
            console.locator(".watched").wait_for()
        found += [f"{section}: {one}" for one in findings(console)]
    console.evaluate("location.hash = '#accounts'")
    console.get_by_role("button", name="编辑").first.click()
    console.locator("dialog[open]").wait_for()
    assert found + findings(console) == []


def test_the_console_is_reached_and_left_by_keyboard(
    desk: Callable[..., Desk], node: DemoNode
) -> None:
    console = console_page(desk, node)
    console.get_by_role("link", name="客服账号", exact=True).focus()
    console.keyboard.press("Enter")
    expect(console.locator("h1")).to_have_text("客服账号")
    button = console.get_by_role("button", name="添加客服账号")
    button.focus()
    console.keyboard.press("Enter")
    dialog = console.locator("dialog[open]")
    expect(dialog).to_be_visible()
    inside = "document.querySelector('dialog').contains(document.activeElement)"
    console.keyboard.press("Tab")
    assert console.evaluate(inside)
    console.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()


def test_the_language_is_switched_in_place_and_nothing_chinese_is_left(
    desk: Callable[..., Desk], node: DemoNode
) -> None:
    console = console_page(desk, node)
    console.get_by_role("button", name="切换到英文").click()
    expect(console.locator("h1")).to_have_text("Overview")
    expect(console.locator(".chart canvas")).to_have_count(3)
    left = console.evaluate(
        "[...document.querySelectorAll('nav, h1, h2, th, dt, button, figcaption')]"
        ".map((one) => one.innerText).filter((text) => /[\\u4e00-\\u9fff]/.test(text))"
    )
    assert left == ["中"]
