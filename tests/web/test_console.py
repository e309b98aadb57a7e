"""The console in a real browser: figures, kf accounts, the ring's answer, failed sends."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.web.world import DemoNode, Desk, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

Desks = Callable[..., Desk]


@pytest.fixture
def console(desk: Desks, node: DemoNode) -> Page:
    page = desk().page
    page.goto(f"{node.url}/admin")
    sign_in(page, "admin", node.password("admin"))
    page.locator(".figure").first.wait_for()
    return page


def test_the_overview_follows_what_happens(console: Page, desk: Desks, node: DemoNode) -> None:
    node.says("o" + secrets.token_hex(13), "有人吗")
    waiting = console.locator(".figure", has_text="排队中").locator("dd")
    expect(waiting).to_have_text("1")
    desk().sign_in("agent1").serve()
    expect(waiting).to_have_text("0")
    row = console.locator("tr", has_text="agent1@")
    expect(row).to_contain_text("在线")
    expect(row).to_contain_text("1 / 5")


def test_a_registered_kf_account_can_sign_in_and_a_second_one_is_refused_in_words(
    console: Page, desk: Desks, node: DemoNode
) -> None:
    name = f"kf{secrets.token_hex(3)}"
    console.get_by_role("link", name="客服账号").click()
    console.get_by_role("button", name="添加客服账号").click()
    for said in ("已添加", "已经存在"):
        console.get_by_label("账号名（").fill(name)
        console.get_by_label("客服昵称").fill("小夏")
        console.get_by_label("登录密码").fill("agent-password-1")
        console.get_by_role("button", name="添加", exact=True).click()
        expect(console.locator("form.new [role=status]")).to_contain_text(re.compile(said))
    expect(console.locator("tr", has_text=f"{name}@")).to_contain_text("已登记")
    agent = desk()
    agent.page.goto(f"{node.url}/desk")
    sign_in(agent.page, name, "agent-password-1")
    expect(agent.page.get_by_role("button", name="开始接待")).to_be_visible()


def test_the_ring_tells_who_would_serve_and_he_does(
    console: Page, desk: Desks, node: DemoNode
) -> None:
    agents = {"客服小林": desk().sign_in("agent1"), "客服小周": desk().sign_in("agent2")}
    for agent in agents.values():
        agent.serve()
    openid = "o" + secrets.token_hex(13)
    console.get_by_role("link", name="分配环").click()
    console.get_by_label("openid").fill(openid)
    console.get_by_role("button", name="查询").click()
    answer = console.get_by_text(re.compile("现在发来消息，将由")).inner_text()
    node.says(openid, "轮到谁了")
    chosen = next(agent for name, agent in agents.items() if name in answer)
    expect(chosen.page.locator(".row", has_text="轮到谁了")).to_have_count(1)


def test_a_failed_send_is_listed_with_its_reason_and_sent_again(
    console: Page, desk: Desks, node: DemoNode
) -> None:
    openid = "o" + secrets.token_hex(13)
    agent = desk().sign_in("agent1").serve()
    node.says(openid, "您好")
    agent.open("您好")
    node.faults({"path": "/cgi-bin/message/custom/send", "errcode": 45166, "count": 1})
    agent.write("被拒绝的话")
    console.get_by_role("link", name="发送失败").click()
    row = console.locator("tr", has_text="被拒绝的话")
    expect(row).to_contain_text("内容未通过安全审核")
    row.get_by_role("button", name="重发").click()
    expect(console.locator("tr", has_text="被拒绝的话")).to_have_count(0)
    assert node.texts(openid) == ["被拒绝的话"]
