"""Nobody is missed: sound and its unlocking, notifications, gaps that heal, colleagues who look or type."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support import wait_until
from tests.web.world import DemoNode, Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

Desks = Callable[..., Desk]

NOTICED = """{
  window.noticed = [];
  window.Notification = class {
    static permission = "granted";
    constructor(title, how) { this.title = title; Object.assign(this, how); window.noticed.push(this); }
    close() { this.closed = true; }
  };
}"""
"""What the system would show; a headless browser has no place for it."""

DEAF = """{
  window.missing = 0;
  const hear = EventSource.prototype.addEventListener;
  EventSource.prototype.addEventListener = function (type, heard, ...more) {
    return hear.call(this, type, (event) => {
      if (type === "message.created" && window.missing > 0) { window.missing -= 1; return; }
      heard(event);
    }, ...more);
  };
}"""
"""A stream that loses some events although it stands."""


@pytest.fixture
def anna() -> str:
    """A customer nobody has met, shown as 客户anna."""
    return f"o{secrets.token_hex(12)[:23]}anna"


def test_news_of_a_conversation_that_is_not_on_screen_is_told_once_and_leads_to_it(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk()
    agent.page.add_init_script(NOTICED)
    agent.sign_in("agent1").serve()
    node.says(anna, "新来的")
    page = agent.page
    told = "noticed.map((one) => `${one.title} ${one.body}`)"
    wait_until(lambda: page.evaluate(told) == ["客户anna · 新客户 新来的"])
    bert = anna.replace("anna", "bert")
    node.says(bert, "第二位")
    wait_until(lambda: len(page.evaluate(told)) == 2)
    assert len(set(page.evaluate("noticed.map((one) => one.tag)"))) == 2
    page.evaluate("noticed[0].onclick()")
    agent.shows("新来的")
    assert page.evaluate("noticed[0].closed")
    node.says(anna, "正在看的")
    agent.shows("正在看的")
    node.says(bert, "又说")
    wait_until(lambda: page.evaluate(told)[2:] == ["客户bert · 发来新消息 又说"])


def test_that_the_page_must_be_touched_for_its_sound_is_said_until_it_was(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    first = desk().sign_in("agent1")
    agent = desk(storage_state=first.context.storage_state())
    page = agent.page
    page.goto(f"{node.url}/desk")
    hint = page.get_by_text("浏览器要求先点一下页面，提示音才会响。")
    expect(hint).to_be_visible()
    page.evaluate("addEventListener('kf:ring', () => { window.rang = true; })")
    page.locator(".tabs").click()
    expect(hint).to_have_count(0)
    agent.serve()
    node.says(anna, "响一下")
    wait_until(lambda: page.evaluate("window.rang"))
    page.get_by_role("button", name="提示音已开启，点击关闭").click()
    expect(page.get_by_role("button", name="提示音已关闭，点击开启")).to_be_visible()


def test_a_message_whose_event_was_lost_is_fetched_with_the_next_one(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk()
    agent.page.add_init_script(DEAF)
    agent.sign_in("agent1").serve()
    node.says(anna, "第一句")
    agent.open("第一句")
    agent.page.evaluate("window.missing = 1")
    node.says(anna, "没有听到的")
    wait_until(lambda: agent.page.evaluate("window.missing") == 0)
    expect(agent.page.locator(".bubble", has_text="没有听到的")).to_have_count(0)
    node.says(anna, "第三句")
    shown = agent.page.locator(".thread .bubble")
    expect(shown).to_have_text(["第一句", "没有听到的", "第三句"])


def test_the_first_click_on_the_page_hits_what_it_was_aimed_at(desk: Desks) -> None:
    page = desk().sign_in("agent1").page
    page.reload()
    tab = page.get_by_role("tab", name="排队中")
    expect(page.get_by_text("浏览器要求先点一下页面")).to_be_visible()
    tab.hover()
    page.mouse.down()
    page.evaluate("new AudioContext().resume()")  # by then this page's own has been resumed, too
    page.mouse.up()
    expect(tab).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text("浏览器要求先点一下页面")).to_have_count(0)


def test_a_colleague_who_looks_is_seen_also_where_nobody_serves_yet(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    node.says(anna, "两个人看")
    first, second = desk().sign_in("agent1"), desk().sign_in("agent2")
    for agent in (first, second):
        agent.page.get_by_role("tab", name="排队中").click()
        agent.open("两个人看")
    for agent, name in ((first, "客服小周"), (second, "客服小林")):
        expect(agent.page.get_by_text(f"{name} 也在查看这个会话")).to_be_visible()
    first.serve()
    expect(second.page.get_by_label("回复客户")).to_have_count(0)
    expect(second.page.locator(".others")).to_have_count(0)


def test_earlier_conversations_are_read_from_the_customers_card(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    page = agent.page
    node.says(anna, "上一次说的话")
    agent.open("上一次说的话")
    page.get_by_role("button", name="结束会话").click()
    page.get_by_role("dialog").get_by_role("button", name="结束会话").click()
    expect(page.get_by_text("会话已结束。客户再次发来消息时会开始新的会话。")).to_be_visible()
    node.says(anna, "这一次说的话")
    agent.open("这一次说的话")
    page.get_by_role("button", name="客户资料").click()
    page.locator(".earlier button", has_text="上一次说的话").click()
    agent.shows("上一次说的话")
    expect(page.get_by_label("回复客户")).to_have_count(0)
