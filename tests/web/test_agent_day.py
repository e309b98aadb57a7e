"""An agent's day: canned replies, drafts, every type, the customer's card, search, survey, several tabs."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support import wait_until
from tests.web.world import DemoNode, Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

Desks = Callable[..., Desk]


@pytest.fixture
def anna() -> str:
    """A customer nobody has met, shown as 客户anna."""
    return f"o{secrets.token_hex(12)[:23]}anna"


def served(desk: Desks, node: DemoNode, openid: str, text: str = "您好") -> Desk:
    agent = desk().sign_in("agent1").serve()
    node.says(openid, text)
    return agent.open(text)


def test_a_canned_reply_is_found_by_its_slash_with_the_names_filled_in(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = served(desk, node, anna)
    page = agent.page
    name = f"问候{secrets.token_hex(2)}"
    page.get_by_role("button", name="快捷回复").click()
    dialog = page.get_by_role("dialog", name="快捷回复")
    dialog.get_by_role("button", name="新建").click()
    dialog.get_by_label("名称").fill(name)
    node.says(anna, "在吗")
    agent.shows("在吗")
    dialog.get_by_label("内容").fill("{客户}好，我是{客服}。")
    dialog.get_by_role("button", name="保存").click()
    expect(dialog.get_by_text(f"/{name}")).to_be_visible()
    dialog.get_by_role("button", name="关闭").click()
    box = page.get_by_label("回复客户")
    box.fill(f"/{name[:3]}")
    expect(page.get_by_role("option")).to_have_count(1)
    box.press("Enter")
    expect(box).to_have_value(re.compile("^您好，我是.+。$"))
    box.press("Enter")
    wait_until(lambda: len(node.texts(anna)) == 1)


def test_a_draft_outlasts_a_reload_and_is_gone_once_sent(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = served(desk, node, anna)
    agent.page.get_by_label("回复客户").fill("写了一半")
    agent.page.reload()
    box = agent.page.get_by_label("回复客户")
    expect(box).to_have_value("写了一半")
    box.press("Enter")
    wait_until(lambda: node.texts(anna) == ["写了一半"])
    agent.page.reload()
    expect(agent.page.get_by_label("回复客户")).to_have_value("")


def test_with_ctrl_enter_chosen_enter_breaks_the_line(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = served(desk, node, anna)
    agent.page.get_by_role("button", name="更多").click()
    agent.page.get_by_role("menuitemradio", name="Ctrl+Enter 发送").click()
    box = agent.page.get_by_label("回复客户")
    box.fill("一行")
    box.press("Enter")
    expect(box).to_have_value("一行\n")
    box.press("Control+Enter")
    wait_until(lambda: node.texts(anna) == ["一行\n"])


def test_the_last_replies_are_offered_as_one_message(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = served(desk, node, anna)
    for text in ("一", "二", "三"):
        agent.write(text)
        wait_until(lambda wanted=text: node.texts(anna)[-1:] == [wanted])
    expect(agent.page.get_by_text("还可回复 2 条")).to_be_visible()
    agent.write("第四段")
    agent.write("第五段")
    expect(agent.page.get_by_text(re.compile("已把 2 段话合成一条"))).to_be_visible()
    agent.page.get_by_role("button", name="立即发送").click()
    wait_until(lambda: node.texts(anna)[3:] == ["第四段\n第五段"])


def test_a_menu_and_a_news_link_reach_the_customer(desk: Desks, node: DemoNode, anna: str) -> None:
    agent = served(desk, node, anna)
    page = agent.page
    page.get_by_role("button", name="更多").click()
    page.get_by_role("menuitem", name="菜单").click()
    page.get_by_label("开头的话").fill("请选择")
    page.get_by_label("选项").fill("查物流\n开发票")
    page.get_by_role("dialog").get_by_role("button", name="发送").click()
    wait_until(lambda: [row["type"] for row in node.received(anna)] == ["msgmenu"])
    page.get_by_role("button", name="更多").click()
    page.get_by_role("menuitem", name="图文链接").click()
    page.get_by_label("标题").fill("活动")
    page.get_by_label("链接地址").fill("https://example.com/a")
    page.get_by_role("dialog").get_by_role("button", name="发送").click()
    wait_until(lambda: [row["type"] for row in node.received(anna)] == ["msgmenu", "news"])
    expect(page.locator(".thread .menu li")).to_have_count(2)


def test_remark_tags_and_notes_are_kept_on_the_customers_card(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = served(desk, node, anna)
    page = agent.page
    page.get_by_role("button", name="客户资料").click()
    card = page.get_by_role("complementary", name="客户资料")
    card.get_by_label("备注名").fill("王女士")
    card.get_by_role("button", name="保存").click()
    expect(page.get_by_role("heading", name="王女士", level=1)).to_be_visible()
    card.get_by_label("添加标签").fill("老客户")
    card.get_by_label("添加标签").press("Enter")
    expect(card.locator(".chip", has_text="老客户")).to_be_visible()
    card.get_by_label("写一条内部备注").fill("要开专票")
    card.get_by_role("button", name="添加备注").click()
    expect(card.get_by_text("要开专票")).to_be_visible()


TYPES_AT_ONCE = """() => {
  window.drawn = new Promise((tell) => new MutationObserver((_, observer) => {
    const remark = document.querySelector(".remark input");
    if (!remark) return;
    observer.disconnect();
    remark.value = "王女士";
    remark.dispatchEvent(new InputEvent("input", { bubbles: true }));
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(tell)));
  }).observe(document.body, { childList: true, subtree: true }));
}"""


def test_what_is_typed_as_the_customers_card_appears_stays(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    page = served(desk, node, anna).page
    page.evaluate(TYPES_AT_ONCE)
    page.get_by_role("button", name="客户资料").click()
    page.evaluate("() => window.drawn")
    expect(page.locator(".remark input")).to_have_value("王女士")
    expect(page.locator(".remark button")).to_be_visible()


def test_search_finds_two_characters_in_an_earlier_conversation_and_opens_it_to_read(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = served(desk, node, anna, "我想改收货地址")
    page = agent.page
    page.get_by_role("button", name="结束会话").click()
    page.get_by_role("dialog").get_by_role("button", name="结束会话").click()
    expect(page.get_by_text("会话已结束。客户再次发来消息时会开始新的会话。")).to_be_visible()
    page.get_by_label("搜索会话").fill("收货")
    page.locator(".results .row", has_text="收货").first.click()
    agent.shows("我想改收货地址")
    expect(page.get_by_label("回复客户")).to_have_count(0)


def test_a_survey_is_asked_on_closing_and_its_answer_shown(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = served(desk, node, anna)
    page = agent.page
    page.get_by_role("button", name="结束会话").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("请客户评价服务")).to_be_checked()
    dialog.get_by_role("button", name="结束会话").click()
    wait_until(lambda: [row["type"] for row in node.received(anna)] == ["msgmenu"])
    item = node.received(anna)[0]["list"][0]
    node.says(anna, item["content"], menu_id=item["id"])
    expect(page.get_by_text("客户评价：5 分")).to_be_visible()
    page.get_by_role("tab", name="接待中").click()
    expect(page.get_by_text("还没有会话。客户发来消息后会出现在这里。")).to_be_visible()


def test_no_survey_is_offered_once_the_replies_are_spent_and_again_after_the_next_message(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = served(desk, node, anna)
    page = agent.page
    session = node.admin("GET", "/sessions?state=SERVING")[0]
    for at in range(session["budget"]["remaining"]):
        body = {"client_id": str(at), "type": "text", "text": f"第 {at + 1} 条"}
        node.as_person("agent1", "POST", f"/sessions/{session['id']}/messages", body)
    page.get_by_role("button", name="结束会话").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("可回复条数已用完，无法邀请评价。")).to_be_visible()
    expect(dialog.get_by_label("请客户评价服务")).to_have_count(0)
    page.keyboard.press("Escape")
    node.says(anna, "谢谢")
    agent.shows("谢谢")
    page.get_by_role("button", name="结束会话").click()
    dialog.get_by_label("请客户评价服务").check()
    dialog.get_by_role("button", name="结束会话").click()
    wait_until(lambda: [row["type"] for row in node.received(anna)][-1:] == ["msgmenu"])


def test_two_tabs_share_one_stream_and_the_other_goes_on_when_one_closes(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    streams: list[str] = []
    agent.context.on("request", lambda r: "/events" in r.url and streams.append(r.url))
    second = agent.context.new_page()
    second.goto(f"{node.url}/desk")
    second.get_by_role("tab", name="接待中").wait_for()
    node.says(anna, "两个标签页")
    for page in (agent.page, second):
        expect(page.locator(".row", has_text="两个标签页")).to_have_count(1)
    assert streams == []
    agent.page.close()
    wait_until(lambda: second.wait_for_timeout(50) or len(streams) == 1)
    node.says(anna, "还在吗")
    expect(second.locator(".row", has_text="还在吗")).to_have_count(1)


def test_one_tone_for_a_new_customer_however_many_tabs(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    second = agent.context.new_page()
    second.goto(f"{node.url}/desk")
    second.get_by_role("tab", name="接待中").click()
    count = "() => { window.rung = 0; addEventListener('kf:ring', () => { window.rung += 1; }); }"
    for page in (agent.page, second):
        page.evaluate(count)
    node.says(anna, "响一下")
    expect(second.locator(".row", has_text="响一下")).to_have_count(1)
    rung = lambda: agent.page.evaluate("rung") + second.evaluate("rung")  # noqa: E731
    wait_until(lambda: rung() >= 1)
    second.wait_for_timeout(500)
    assert rung() == 1


def test_the_keyboard_reaches_everything(desk: Desks, node: DemoNode, anna: str) -> None:
    agent = desk().sign_in("agent1").serve()
    node.says(anna, "只用键盘")
    agent.page.locator(".row").wait_for()
    agent.page.locator("body").click(position={"x": 900, "y": 400})
    agent.page.keyboard.press("j")
    agent.shows("只用键盘")
    agent.page.keyboard.type("收到")
    agent.page.keyboard.press("Enter")
    wait_until(lambda: node.texts(anna) == ["收到"])
    agent.page.keyboard.press("Escape")
    agent.page.keyboard.press("?")
    expect(agent.page.get_by_role("dialog", name="键盘快捷键")).to_be_visible()
    agent.page.keyboard.press("Escape")
    agent.page.keyboard.press("x")
    expect(agent.page.get_by_role("dialog", name="结束会话")).to_be_visible()
