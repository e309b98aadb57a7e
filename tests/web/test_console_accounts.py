"""Kf accounts in the console: import of what WeChat has, pictures, roles, and refusals by their code."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from simulator.samples import jpeg
from tests.web.world import DemoNode, Desk, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

Desks = Callable[..., Desk]
ADD = "/customservice/kfaccount/add"
SEND = "/cgi-bin/message/custom/send"


@pytest.fixture
def console(desk: Desks, node: DemoNode) -> Page:
    page = desk().page
    page.goto(f"{node.url}/admin?lang=zh")
    sign_in(page, "admin", node.password("admin"))
    page.locator(".figure").first.wait_for()
    page.get_by_role("link", name="客服账号", exact=True).click()
    page.get_by_role("button", name="添加客服账号").wait_for()
    return page


def add(console: Page, name: str, nickname: str) -> Locator:
    """The form is filled in and sent; what it says."""
    console.get_by_role("button", name="添加客服账号").click()
    console.get_by_label("账号名（").fill(name)
    console.get_by_label("客服昵称").fill(nickname)
    console.get_by_role("button", name="添加", exact=True).click()
    return console.locator("form.new [role=status]")


def test_an_account_that_only_wechat_has_is_imported(console: Page, node: DemoNode) -> None:
    name = f"kf{secrets.token_hex(3)}"
    node.faults({"path": ADD, "errcode": 65403, "after": True, "count": 1})
    expect(add(console, name, "小夏")).to_contain_text("错误码 65403")
    console.get_by_role("button", name="关闭").click()
    row = console.locator("tr", has_text=f"{name}@")
    expect(row).to_have_count(0)
    console.get_by_role("button", name="从微信同步").click()
    expect(console.get_by_text(re.compile("同步完成：导入 1 个"))).to_be_visible()
    expect(row).to_contain_text("小夏")


def test_what_is_not_valid_is_named(console: Page) -> None:
    said = add(console, f"kf{secrets.token_hex(3)}", "小\u0007夏")
    expect(said).to_contain_text("“客服昵称”不符合要求，请检查。")


def test_a_picture_a_role_and_a_password_are_set(
    console: Page, desk: Desks, node: DemoNode
) -> None:
    name = f"kf{secrets.token_hex(3)}"
    expect(add(console, name, "小秋")).to_contain_text("登录密码：")
    console.get_by_role("button", name="关闭").click()
    row = console.locator("tr", has_text=f"{name}@")
    row.get_by_role("button", name="编辑").click()
    dialog = console.locator("dialog[open]").first
    picture = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}
    dialog.locator("input[type=file]").set_input_files([picture])  # type: ignore[list-item]
    expect(dialog.get_by_text("头像已更新。")).to_be_visible()
    dialog.get_by_label("角色").select_option(label="组长")
    dialog.get_by_role("button", name="保存").click()
    expect(row).to_contain_text("组长")
    dialog.get_by_role("button", name="重置密码").click()
    console.get_by_label("新密码").fill("another-password-1")
    console.locator("dialog[open]").last.get_by_role("button", name="重置密码").click()
    expect(dialog.get_by_text("密码已更新。")).to_be_visible()
    lead = desk().page
    lead.goto(f"{node.url}/admin")
    sign_in(lead, name, "another-password-1")
    expect(lead.get_by_role("link", name="会话监看")).to_be_visible()
    expect(lead.get_by_role("link", name="客服账号")).to_have_count(0)


def test_what_wechat_refused_is_counted_by_code_on_the_overview(
    console: Page, desk: Desks, node: DemoNode
) -> None:
    agent = desk().sign_in("agent1").serve()
    node.says("o" + secrets.token_hex(13), "您好")
    agent.open("您好")
    node.faults({"path": SEND, "errcode": 45166, "count": 1})
    agent.write("会被拒绝")
    agent.page.locator(".message[data-status=failed]").wait_for()
    console.get_by_role("link", name="总览").click()
    row = console.locator("tr", has_text="45166")
    expect(row).to_contain_text("内容未通过安全审核", timeout=30_000)
