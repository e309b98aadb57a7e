"""The first minute: phone and desk side by side, in both languages and themes, down to a phone's width."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.web.test_quality import serious
from tests.web.world import DemoNode, Desk, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

Desks = Callable[..., Desk]
PHONE_WIDTH = 375


def demo(desk: Desks, node: DemoNode, query: str = "", **context: Any) -> Page:
    page = desk(**context).page
    page.goto(f"{node.url}/demo{query}")
    page.frame_locator("#desk").get_by_role("textbox").first.wait_for()
    page.frame_locator("#phone").locator(".tab").first.wait_for(state="attached")
    return page


def sides(page: Page) -> tuple[FrameLocator, FrameLocator]:
    return page.frame_locator("#phone"), page.frame_locator("#desk")


def newcomer(phone: FrameLocator | Page) -> None:
    """A customer who never wrote."""
    count = phone.locator(".tab").count()
    phone.get_by_role("button", name="添加客户").click()
    expect(phone.locator(".tab")).to_have_count(count + 1)
    expect(phone.locator(".tab").last).to_have_attribute("aria-selected", "true")


def says(phone: FrameLocator | Page, text: str) -> None:
    phone.locator("#text").fill(text)
    phone.locator("#send").click()


def test_the_three_steps_are_ticked_off_as_they_are_done(desk: Desks, node: DemoNode) -> None:
    page = demo(desk, node)
    phone, own = sides(page)
    customer = f"{secrets.token_hex(3)} 第一句话"
    newcomer(phone)
    ticked = page.locator("#steps li[data-done=true]")
    expect(page.locator("#steps li")).to_have_count(3)
    expect(ticked).to_have_count(0)
    sign_in(own, "agent1", node.password("agent1"))
    own.get_by_role("button", name="开始接待").click()
    expect(ticked).to_have_count(1)
    says(phone, customer)
    expect(ticked).to_have_count(2)
    own.locator(".row", has_text=customer).locator(".row-open").click()
    own.get_by_label("回复客户").fill("您好")
    own.get_by_label("回复客户").press("Enter")
    expect(ticked).to_have_count(3)
    expect(phone.locator(".nick")).to_have_text("客服小林")


def test_one_button_switches_the_language_of_all_three(desk: Desks, node: DemoNode) -> None:
    page = demo(desk, node)
    phone, own = sides(page)
    page.get_by_role("button", name="切换到英文").click()
    expect(phone.get_by_role("tab", name="Customer A")).to_be_visible()
    expect(own.get_by_label("Password")).to_be_visible()
    expect(page.locator("#steps")).to_contain_text("Phone: write as the customer")
    assert page.title().startswith("Demo")
    page.get_by_role("button", name="switch to Chinese").click()
    expect(own.get_by_label("密码")).to_be_visible()


def test_on_a_narrow_screen_one_side_is_shown_and_the_other_calls(
    desk: Desks, node: DemoNode
) -> None:
    page = demo(desk, node, viewport={"width": PHONE_WIDTH, "height": 667})
    phone, own = sides(page)
    sign_in(own, "agent1", node.password("agent1"))
    own.get_by_role("button", name="开始接待").click()
    expect(page.locator("#phone")).to_be_hidden()
    page.get_by_role("button", name="客户的手机").click()
    expect(page.locator("#desk")).to_be_hidden()
    says(phone, f"{secrets.token_hex(3)} 有人吗")
    called = page.get_by_role("button", name="客服工作台")
    expect(called).to_have_attribute("data-news", "true")
    called.click()
    expect(own.locator(".row", has_text="有人吗")).to_be_visible()
    for frame in page.frames:
        assert frame.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_phone_and_demo(
    desk: Desks, node: DemoNode, theme: str
) -> None:
    page = demo(desk, node, color_scheme=theme)
    assert serious(page) == []
    page.goto(f"{node.url}/phone")
    page.locator(".tab").first.wait_for()
    newcomer(page)
    page.get_by_role("button", name="更多").click()
    for at, name in enumerate(("示例图片", "语音", "位置", "视频"), 1):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.locator(".mine")).to_have_count(at)
    says(page, "您好")
    expect(page.locator(".mine .bubble", has_text="您好")).to_be_visible()
    assert serious(page) == []
    background = page.evaluate("getComputedStyle(document.querySelector('.phone')).backgroundColor")
    light = sum(int(n) for n in re.findall(r"\d+", background)[:3]) > 3 * 128
    assert light == (theme == "light")
