"""Writing: input methods, lengths, pictures pasted and dropped, every type, what the customer sees."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import Page, expect

from simulator.samples import mp4, png
from tests.support import wait_until
from tests.web.world import DemoNode, Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

Desks = Callable[..., Desk]

GIVE = """(target, [kind, bytes]) => {
  const given = new DataTransfer();
  given.items.add(new File([new Uint8Array(bytes)], "given.png", { type: "image/png" }));
  const how = { bubbles: true, cancelable: true };
  target.dispatchEvent(kind === "paste"
    ? new ClipboardEvent("paste", { ...how, clipboardData: given })
    : new DragEvent(kind, { ...how, dataTransfer: given }));
}"""


@pytest.fixture
def anna() -> str:
    """A customer nobody has met, shown as 客户anna."""
    return f"o{secrets.token_hex(12)[:23]}anna"


@pytest.fixture
def page(desk: Desks, node: DemoNode, anna: str) -> Page:
    """anna's conversation, open at 小林's desk."""
    agent = desk().sign_in("agent1").serve()
    node.says(anna, "您好")
    return agent.open("您好").page


def kinds(node: DemoNode, openid: str) -> list[str]:
    return [row["type"] for row in node.received(openid)]


def test_what_an_input_method_is_still_composing_is_not_sent_by_its_enter(
    page: Page, node: DemoNode, anna: str
) -> None:
    box = page.get_by_label("回复客户")
    box.click()
    ime = page.context.new_cdp_session(page)
    compose = {"text": "ni hao", "selectionStart": 6, "selectionEnd": 6}
    ime.send("Input.imeSetComposition", compose)
    expect(box).to_have_value("ni hao")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    expect(page.locator(".message[data-direction=out]")).to_have_count(0)
    ime.send("Input.imeSetComposition", compose)
    ime.send("Input.insertText", {"text": "你好"})
    wait_until(lambda: box.input_value().strip().endswith("你好"))
    page.keyboard.press("Enter")
    wait_until(lambda: [text.strip()[-2:] for text in node.texts(anna)] == ["你好"])


def test_a_text_that_wechat_would_cut_is_counted_in_bytes_and_held_back(
    page: Page, node: DemoNode, anna: str
) -> None:
    box, send = page.get_by_label("回复客户"), page.get_by_role("button", name="发送", exact=True)
    box.fill("好" * 683)
    expect(page.get_by_text("2049 / 2048 字节")).to_be_visible()
    expect(page.get_by_text("超出微信的长度限制，请分两条发送。")).to_be_visible()
    expect(send).to_be_disabled()
    box.press("Enter")
    box.fill("好" * 682)
    expect(page.get_by_text("2046 / 2048 字节")).to_be_visible()
    send.click()
    wait_until(lambda: node.texts(anna) == ["好" * 682])


def test_pictures_are_pasted_and_dropped(page: Page, node: DemoNode, anna: str) -> None:
    page.get_by_label("回复客户").evaluate(GIVE, ["paste", list(png(8, 8))])
    wait_until(lambda: kinds(node, anna) == ["image"])
    composer = page.locator(".composer")
    composer.evaluate(GIVE, ["dragover", []])
    expect(page.get_by_text("松开即可发送图片")).to_be_visible()
    composer.evaluate(GIVE, ["drop", list(png(9, 9))])
    wait_until(lambda: kinds(node, anna) == ["image", "image"])
    expect(page.get_by_text("松开即可发送图片")).to_have_count(0)


def test_a_video_and_a_mini_program_page_reach_the_customer(
    page: Page, node: DemoNode, anna: str
) -> None:
    video = {"name": "a.mp4", "mimeType": "video/mp4", "buffer": mp4()}
    page.get_by_label("语音或视频文件").set_input_files([video])  # type: ignore[list-item]
    wait_until(lambda: kinds(node, anna) == ["video"])
    page.get_by_role("button", name="更多").click()
    page.get_by_role("menuitem", name="小程序页面").click()
    dialog = page.get_by_role("dialog", name="小程序页面")
    dialog.get_by_label("标题").fill("会员中心")
    dialog.get_by_label("小程序的编号").fill("wx0123456789abcdef")
    dialog.get_by_label("页面路径").fill("pages/member")
    cover = {"name": "a.png", "mimeType": "image/png", "buffer": png()}
    dialog.get_by_label("封面图片").set_input_files([cover])  # type: ignore[list-item]
    dialog.get_by_role("button", name="发送").click()
    wait_until(lambda: kinds(node, anna) == ["video", "miniprogrampage"])
    expect(page.locator(".thread .attached", has_text="会员中心")).to_contain_text("小程序")


def test_the_customer_sees_that_somebody_types_and_no_longer_once_it_is_sent(
    page: Page, node: DemoNode, anna: str
) -> None:
    def typing() -> bool:
        url = f"{node.url}/sim/api/followers/{anna}/transcript"
        return bool(requests.get(url, timeout=15).json()["typing"])

    assert not typing()
    page.get_by_label("回复客户").press_sequentially("请稍")
    wait_until(typing)
    page.get_by_label("回复客户").press("Enter")
    wait_until(lambda: node.texts(anna) == ["请稍"] and not typing())


def test_a_shared_canned_reply_is_for_all_and_only_leads_change_it(
    page: Page, node: DemoNode, anna: str
) -> None:
    name = f"公告{secrets.token_hex(2)}"
    node.admin("POST", "/canned-replies", {"title": name, "text": "本周包邮", "shared": True})
    page.get_by_role("button", name="快捷回复").click()
    row = page.get_by_role("dialog").locator("li", has_text=name)
    expect(row.locator(".chip")).to_have_text("公共")
    expect(row.get_by_role("button", name="修改")).to_have_count(0)
    row.get_by_role("button").click()
    page.get_by_label("回复客户").press("Enter")
    wait_until(lambda: node.texts(anna) == ["本周包邮"])


def test_a_row_says_priority_group_replies_left_and_until_when(
    page: Page, node: DemoNode, anna: str
) -> None:
    vip = anna.replace("anna", "vivi")
    node.admin("PUT", f"/customers/{vip}/facts", {"vip_level": 5})
    node.says(vip, "我是会员")
    row = page.locator(".row", has_text="我是会员")
    for words in ("优先级 10", "可回复 5 条 · 47 小时", "客服"):
        expect(row.locator(".row-facts")).to_contain_text(words)
    expect(row.locator(".badge")).to_have_text("1")
    expect(row.locator(".waited")).to_contain_text("已等 0:")
