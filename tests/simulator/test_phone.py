"""The phone page in a real browser."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.simulator.conftest import WECHAT_ID, Callback, Sim
from tests.simulator.wire import GREY, envelope, text_reply
from tests.support import browser_path

CHROMIUM = browser_path()
AGENT = f"alice@{WECHAT_ID}"
FIRST = "oDemoCustomer".ljust(27, "0") + "A"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and os.environ.get("CI") != "true", reason="chromium is not installed"
    ),
]


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        complaints: list[str] = []
        made = browser.new_page(viewport={"width": 430, "height": 800})
        made.on("pageerror", lambda error: complaints.append(str(error)))
        made.on(
            "console",
            lambda line: complaints.append(line.text) if line.type == "error" else None,
        )
        yield made
        browser.close()
        assert complaints == []


def test_a_person_writes_and_sees_the_agent_by_name(
    sim: Sim, callback: Callback, page: Page
) -> None:
    sim.api("/customservice/kfaccount/add", {"kf_account": AGENT, "nickname": "小爱"})
    callback.answer = lambda r: envelope(
        text_reply("排队中", ToUserName=r.args["openid"]), r.args["nonce"]
    )
    page.goto(sim.base + "/phone")
    page.fill("#text", "<img src=x onerror=alert(1)>")
    page.click("#send")
    expect(page.locator(".mine .bubble")).to_have_text("<img src=x onerror=alert(1)>")
    expect(page.locator(".row:not(.mine) .bubble")).to_have_text("排队中")
    assert sim.send("您好", FIRST, customservice={"kf_account": AGENT}) == 0
    expect(page.locator(".nick")).to_have_text("小爱")
    expect(page.locator("#budget")).to_have_text("客服还可回复 4 条")


def test_customers_are_kept_apart_and_a_failure_shows_the_grey_line(
    sim: Sim, callback: Callback, page: Page
) -> None:
    callback.answer = lambda _: "garbage"
    page.goto(sim.base + "/phone")
    page.get_by_role("tab", name="客户B").click()
    page.fill("#text", "在吗")
    page.click("#send")
    expect(page.locator(".grey")).to_have_text(GREY)
    page.get_by_role("tab", name="客户A").click()
    expect(page.locator(".empty")).to_be_visible()
    page.click("#language")
    expect(page.get_by_role("tab", name="Customer B")).to_be_visible()
    assert sim.transcript(FIRST) == []


def test_pictures_menus_and_following_work_by_tapping(sim: Sim, page: Page) -> None:
    page.goto(sim.base + "/phone")
    page.click("#more")
    page.get_by_role("button", name="示例图片").click()
    expect(page.locator("img.picture")).to_be_visible()
    page.get_by_role("button", name="人工客服").click()
    expect(page.get_by_text("点击了菜单“人工”")).to_be_visible()
    page.get_by_role("button", name="取消关注").click()
    expect(page.locator("#send")).to_be_disabled()
    page.get_by_role("button", name="关注", exact=True).click()
    expect(page.locator("#send")).to_be_enabled()
    kinds = [line.get("event") or line["type"] for line in sim.transcript(FIRST)]
    assert kinds == ["image", "CLICK", "unsubscribe", "subscribe"]
