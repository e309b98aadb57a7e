"""The desk in the hand: 375 by 667, the keyboard open, and in WeChat's own browser."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from simulator.samples import png
from tests.support import wait_until
from tests.web.world import DemoNode, Desk, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

Desks = Callable[..., Desk]

SCREEN = {"width": 375, "height": 667}
ABOVE_KEYBOARD = {"width": 375, "height": 330}
WECHAT = (
    "Mozilla/5.0 (Linux; Android 14; 2312DRA50C) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/116.0.0.0 Mobile Safari/537.36 XWEB/1160117 MMWEBSDK/20240404 MicroMessenger/8.0.49.2600"
)
AS_WECHAT = """
delete window.Notification;
Object.defineProperty(navigator, "locks", { value: undefined });
delete window.BroadcastChannel;
delete AbortSignal.timeout;
delete crypto.randomUUID;
"""
"""What an older browser inside WeChat does not have."""

COVERED = """
const view = new EventTarget();
Object.assign(view, { height: innerHeight, width: innerWidth, scale: 1, offsetTop: 0 });
Object.defineProperty(window, "visualViewport", { value: view });
"""
"""An iPhone: its keyboard leaves the page as it is and covers the lower part of it."""


@pytest.fixture
def anna() -> str:
    """A customer nobody has met, shown as 客户anna."""
    return f"o{secrets.token_hex(12)[:23]}anna"


def phone(desk: Desks, **more: Any) -> Desk:
    return desk(viewport=SCREEN, has_touch=True, is_mobile=True, **more)


def in_reach(place: Locator) -> Locator:
    """Wholly on screen and nothing lies over it, as a thumb needs it."""
    expect(place).to_be_in_viewport(ratio=0.99)
    place.tap(trial=True)
    return place


def typing(page: Page, label: str) -> Locator:
    """The field has the focus, so the keyboard is up."""
    box = page.get_by_label(label)
    box.tap()
    page.set_viewport_size(ABOVE_KEYBOARD)  # type: ignore[arg-type]
    expect(box).to_be_focused()
    return in_reach(box)


def keyboard_down(page: Page) -> None:
    page.set_viewport_size(SCREEN)  # type: ignore[arg-type]


def test_with_the_keyboard_open_everything_an_agent_does_is_in_reach(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = phone(desk)
    page = agent.page
    page.goto(f"{node.url}/desk")
    typing(page, "用户名").fill("agent1")
    in_reach(page.get_by_label("密码")).fill(node.password("agent1"))
    in_reach(page.get_by_role("button", name="登录")).tap()
    keyboard_down(page)
    in_reach(page.get_by_role("button", name="开始接待")).tap()
    in_reach(page.get_by_role("button", name="小休")).tap()
    in_reach(page.get_by_role("button", name="在线", exact=True)).tap()
    node.says(anna, "请发一张实物图")
    in_reach(page.locator(".row", has_text="请发一张实物图")).tap()
    in_reach(page.locator(".bubble", has_text="请发一张实物图"))
    box = typing(page, "回复客户")
    expect(page.locator(".bubble", has_text="请发一张实物图")).to_be_in_viewport()
    expect(page.get_by_text("还可回复 5 条")).to_be_in_viewport()
    box.fill("好的，请看：")
    in_reach(page.get_by_role("button", name="发送", exact=True)).tap()
    in_reach(page.locator("label", has=page.get_by_label("发送图片")))
    picture = {"name": "a.png", "mimeType": "image/png", "buffer": png()}
    page.get_by_label("发送图片").set_input_files([picture])  # type: ignore[list-item]
    wait_until(lambda: [row["type"] for row in node.received(anna)] == ["text", "image"])
    in_reach(page.get_by_role("button", name="返回列表"))
    assert page.evaluate("document.documentElement.scrollWidth") <= SCREEN["width"]


def test_with_the_keyboard_open_a_conversation_is_handed_over_and_closed(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = phone(desk).sign_in("agent1").serve()
    page = agent.page
    bert = anna.replace("anna", "bert")
    node.says(anna, "要转接的")
    node.says(bert, "要结束的")
    desk().sign_in("agent2").serve()
    page.locator(".row", has_text="要转接的").tap()
    typing(page, "回复客户")
    in_reach(page.get_by_role("button", name="转接", exact=True)).tap()
    dialog = page.get_by_role("dialog")
    in_reach(dialog.get_by_label("客服小周")).tap()
    note = dialog.get_by_label("内部备注")
    note.tap()
    note.fill("请接手")
    in_reach(dialog.get_by_role("button", name="转接", exact=True)).tap()
    expect(page.get_by_text("这个会话已由其他客服接待，您不能再回复。")).to_be_visible()
    keyboard_down(page)
    in_reach(page.get_by_role("button", name="返回列表")).tap()
    page.locator(".row", has_text="要结束的").tap()
    typing(page, "回复客户")
    in_reach(page.get_by_role("button", name="结束会话")).tap()
    in_reach(dialog.get_by_role("button", name="结束会话")).tap()
    expect(page.get_by_text("会话已结束。客户再次发来消息时会开始新的会话。")).to_be_visible()


def test_where_the_keyboard_covers_the_page_the_page_keeps_to_what_is_seen(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = phone(desk)
    agent.context.add_init_script(COVERED)
    agent.sign_in("agent1").serve()
    node.says(anna, "键盘会挡住吗")
    agent.open("键盘会挡住吗")
    height = "document.querySelector('.desk').getBoundingClientRect().height"
    assert agent.page.evaluate(height) == SCREEN["height"]
    covered = "visualViewport.height = 330; visualViewport.dispatchEvent(new Event('resize'))"
    agent.page.evaluate(covered)
    wait_until(lambda: agent.page.evaluate(height) == 330)
    agent.page.evaluate(covered.replace("330", str(SCREEN["height"])))
    wait_until(lambda: agent.page.evaluate(height) == SCREEN["height"])


def test_in_wechats_own_browser_the_desk_works_without_what_it_lacks(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = phone(desk, user_agent=WECHAT)
    agent.context.add_init_script(AS_WECHAT)
    agent.page.goto(f"{node.url}/desk")
    sign_in(agent.page, "agent1", node.password("agent1"))
    agent.serve()
    expect(agent.page.get_by_role("button", name="开启桌面通知")).to_have_count(0)
    node.says(anna, "在微信里")
    agent.open("在微信里")
    agent.write("看得到")
    wait_until(lambda: node.texts(anna) == ["看得到"])
    node.says(anna, "", type="voice")
    agent.page.get_by_role("button", name="播放语音").tap()
    agent.page.locator(".thread audio").wait_for()
    agent.page.get_by_role("button", name="返回列表").tap()
    node.says(anna, "回到列表后的话")
    expect(agent.page).to_have_title("(1) 客服工作台")
