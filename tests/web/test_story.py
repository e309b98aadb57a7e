"""A whole day at the desk: two agents and three customers, from the first sign-in to the last rating."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from simulator.samples import amr, png
from tests.support import wait_until
from tests.web.conftest import own_server as own_server
from tests.web.test_parity import DIFFERENCE
from tests.web.world import DemoNode, Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

Desks = Callable[..., Desk]

SLEEPER = """{
  const now = Date.now.bind(Date);
  window.slept = 0;
  Date.now = () => now() + window.slept;
  const Real = window.EventSource;
  window.streams = [];
  window.EventSource = class extends Real {
    constructor(...how) { super(...how); window.streams.push(this); }
  };
}"""
"""A page whose streams can die without a word and whose clock can jump, as when a lid is shut and opened."""

CALMED = re.compile("ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED")
"""What the browser itself writes while it has no network; the page shows a banner."""


@dataclass
class Day:
    """Who is there: 小林 (agent1), 小周 (agent2) and three customers nobody has met."""

    node: DemoNode
    lin: Desk
    zhou: Desk
    anna: str
    bert: str
    cora: str


@pytest.fixture
def day(desk: Desks, node: DemoNode) -> Day:
    general = next(g for g in node.admin("GET", "/admin/groups") if g["name"] == "general_support")
    body = {name: value for name, value in general.items() if name != "name"}
    node.admin("PUT", "/admin/groups/general_support", body | {"assign": "manual"})
    lin, zhou = desk(), desk()
    zhou.context.add_init_script(SLEEPER)
    stem = f"o{secrets.token_hex(12)[:23]}"
    return Day(node, lin, zhou, f"{stem}anna", f"{stem}bert", f"{stem}cora")


def test_two_agents_and_three_customers_go_through_a_whole_day(day: Day) -> None:
    the_queue_is_taken_from(day)
    words_pictures_and_voices_go_both_ways(day)
    one_customer_is_handed_over(day)
    a_lost_network_loses_nothing(day)
    two_tabs_are_one_desk(day)
    a_laptop_sleeps_and_returns(day)
    everything_is_closed_and_rated(day)
    for agent in (day.lin, day.zhou):
        wait_until(lambda page=agent.page: page.evaluate(DIFFERENCE) == [])
    day.zhou.complaints[:] = [one for one in day.zhou.complaints if not CALMED.search(one)]


def the_queue_is_taken_from(day: Day) -> None:
    day.node.says(day.anna, "我的订单到哪里了？")
    day.node.says(day.bert, "可以开发票吗？")
    for agent, name in ((day.lin, "agent1"), (day.zhou, "agent2")):
        agent.sign_in(name).serve()
        agent.page.get_by_role("tab", name="排队中").click()
        expect(agent.page.locator(".row")).to_have_count(2)
    expect(row(day.lin, "我的订单")).to_contain_text("第 1 位")
    take(day.lin, "我的订单")
    expect(day.zhou.page.locator(".row")).to_have_count(1)
    expect(row(day.zhou, "可以开发票")).to_contain_text("第 1 位")
    take(day.zhou, "可以开发票")
    expect(day.lin.page.get_by_role("tab", name="排队中").locator(".count")).to_have_count(0)


def words_pictures_and_voices_go_both_ways(day: Day) -> None:
    day.lin.write("您好，请发订单截图。")
    day.node.says(day.anna, "", type="image")
    expect(day.lin.page.locator(".thread .picture img")).to_have_count(1)
    day.node.says(day.anna, "", type="voice")
    day.lin.page.get_by_role("button", name="播放语音").click()
    player = day.lin.page.locator(".thread audio")
    player.wait_for()
    wait_until(lambda: (player.evaluate("one => one.duration") or 0) > 1)
    send(day.lin, "发送图片", "a.png", "image/png", png())
    send(day.lin, "语音或视频文件", "a.amr", "audio/amr", amr())
    wait_until(lambda: kinds(day, day.anna) == ["text", "image", "voice"])
    expect(day.lin.page.get_by_text("还可回复 3 条")).to_be_visible()


def one_customer_is_handed_over(day: Day) -> None:
    page = day.lin.page
    page.get_by_role("button", name="转接", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("客服小周").check()
    dialog.get_by_label("内部备注").fill("要改收货地址")
    dialog.get_by_role("button", name="转接", exact=True).click()
    expect(page.get_by_text("这个会话已由其他客服接待，您不能再回复。")).to_be_visible()
    day.zhou.page.get_by_role("tab", name="接待中").click()
    expect(row(day.zhou, tail(day.anna))).to_have_count(1)
    day.zhou.page.locator(".row", has_text=tail(day.anna)).locator(".row-open").click()
    expect(day.zhou.page.get_by_text("留言：要改收货地址")).to_be_visible()
    day.node.says(day.anna, "麻烦改成公司地址")
    day.zhou.shows("麻烦改成公司地址")
    day.zhou.write("好的，已经改好。")
    wait_until(lambda: day.node.texts(day.anna)[-1] == "好的，已经改好。")


def a_lost_network_loses_nothing(day: Day) -> None:
    page = day.zhou.page
    day.zhou.context.set_offline(True)
    banner = page.get_by_text(re.compile("连接已断开"))
    expect(banner).to_be_visible()
    day.zhou.write("断网时写的话")
    expect(page.locator(".message[data-status=sending]")).to_have_count(1)
    day.node.says(day.anna, "断网时来的话")
    day.zhou.context.set_offline(False)
    day.zhou.shows("断网时来的话")
    expect(banner).to_have_count(0)
    expect(page.locator(".message[data-status=sending]")).to_have_count(0)
    wait_until(lambda: day.node.texts(day.anna).count("断网时写的话") == 1)


def two_tabs_are_one_desk(day: Day) -> None:
    day.node.says(day.cora, "有优惠吗？")
    day.lin.page.get_by_role("tab", name="排队中").click()
    take(day.lin, "有优惠吗")
    second = day.lin.context.new_page()
    second.goto(f"{day.node.url}/desk")
    second.locator(".row", has_text=tail(day.cora)).locator(".row-open").click()
    second.get_by_label("回复客户").fill("有的，满一百减十。")
    second.get_by_label("回复客户").press("Enter")
    day.lin.shows("有的，满一百减十。")
    wait_until(lambda: day.node.texts(day.cora) == ["有的，满一百减十。"])
    second.get_by_role("button", name="小休").click()
    pressed(day.lin.page, "小休")
    second.close()
    day.lin.page.get_by_role("button", name="在线", exact=True).click()
    pressed(day.lin.page, "在线")


def a_laptop_sleeps_and_returns(day: Day) -> None:
    page = day.zhou.page
    page.evaluate("streams.forEach((one) => one.close())")
    day.node.says(day.bert, "睡着时来的话")
    page.wait_for_timeout(700)
    expect(page.get_by_text("睡着时来的话")).to_have_count(0)
    page.evaluate("window.slept = 3_600_000")
    expect(row(day.zhou, "睡着时来的话")).to_have_count(1)
    expect(row(day.zhou, "睡着时来的话").locator(".waited")).to_have_text(re.compile("已等 0:"))
    day.node.says(day.bert, "醒来后的话")
    expect(row(day.zhou, "醒来后的话")).to_have_count(1)
    expect(page).to_have_title("(2) 客服工作台")


def everything_is_closed_and_rated(day: Day) -> None:
    for agent, openid in ((day.zhou, day.anna), (day.zhou, day.bert), (day.lin, day.cora)):
        close(agent, openid)
    menu = wait_until(lambda: [one for one in day.node.received(day.cora) if one.get("list")])[0]
    day.node.says(day.cora, menu["list"][0]["content"], menu_id=menu["list"][0]["id"])
    expect(day.lin.page.get_by_text("客户评价：5 分")).to_be_visible()
    for agent, count in ((day.lin, 1), (day.zhou, 2)):
        agent.page.get_by_role("tab", name="已结束").click()
        expect(agent.page.locator(".row")).to_have_count(count)
        expect(agent.page).to_have_title("客服工作台")


def row(agent: Desk, text: str) -> Locator:
    return agent.page.locator(".row", has_text=text)


def take(agent: Desk, text: str) -> None:
    row(agent, text).get_by_role("button", name="接入").click()
    agent.shows(text)
    agent.page.get_by_role("tab", name="接待中").click()


def send(agent: Desk, label: str, name: str, kind: str, content: bytes) -> None:
    file = {"name": name, "mimeType": kind, "buffer": content}
    agent.page.get_by_label(label).set_input_files([file])  # type: ignore[list-item]


def close(agent: Desk, openid: str) -> None:
    page = agent.page
    row(agent, tail(openid)).locator(".row-open").click()
    page.get_by_role("main").get_by_role("button", name="结束会话").click()
    page.get_by_role("dialog").get_by_role("button", name="结束会话").click()
    expect(page.get_by_text("会话已结束。客户再次发来消息时会开始新的会话。")).to_be_visible()


def pressed(page: Page, name: str) -> None:
    button = page.get_by_role("button", name=name, exact=True)
    expect(button).to_have_attribute("aria-pressed", "true")


def kinds(day: Day, openid: str) -> list[str]:
    return [one["type"] for one in day.node.received(openid)]


def tail(openid: str) -> str:
    return f"客户{openid[-4:]}"
