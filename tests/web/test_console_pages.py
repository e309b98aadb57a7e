"""The console's pages in a real browser: what admins change, whom supervisors watch, what leaves and goes."""

from __future__ import annotations

import csv
import io
import re
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support import wait_until
from tests.web.world import DemoNode, Desk, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

Desks = Callable[..., Desk]
NASTY = '<img src=x onerror="document.title=1">"\'&'
SECTIONS = [
    *("overview", "live", "dead", "accounts", "people", "groups"),
    *("rules", "ring", "notices", "data", "audit"),
]
CLOCK = """async () => {
  const base = document.querySelector("script[src*='admin/main.js']").src.replace("admin/main.js", "");
  return (await import(`${base}shared/store.js`)).now.value;
}"""
"""The page's own clock; whatever shows a time is drawn again with each of its ticks."""


@pytest.fixture
def console(desk: Desks, node: DemoNode) -> Page:
    page = desk().page
    page.goto(f"{node.url}/admin?lang=zh")
    sign_in(page, "admin", node.password("admin"))
    page.locator(".figure").first.wait_for()
    return page


def go(console: Page, name: str) -> None:
    console.get_by_role("link", name=name, exact=True).click()
    expect(console.locator("h1")).to_have_text(name)


def said(console: Page, text: str) -> None:
    expect(console.locator("[role=status]", has_text=text).first).to_be_visible()


def new_openid() -> str:
    return "o" + secrets.token_hex(13)


def test_an_account_is_edited_invited_switched_off_and_removed(console: Page) -> None:
    name = f"kf{secrets.token_hex(3)}"
    go(console, "客服账号")
    console.get_by_role("button", name="添加客服账号").click()
    console.get_by_label("账号名（").fill(name)
    console.get_by_label("客服昵称").fill("小秋")
    console.get_by_role("button", name="添加", exact=True).click()
    said(console, "登录密码：")
    console.get_by_role("button", name="关闭").click()
    row = console.locator("tr", has_text=f"{name}@")
    row.get_by_role("button", name="编辑").click()
    console.get_by_label("客服昵称").fill("小冬")
    console.get_by_label("接待上限").fill("3")
    console.get_by_label("贵宾客服").check()
    console.get_by_role("button", name="保存").click()
    said(console, "已保存")
    expect(row).to_contain_text("小冬")
    expect(row).to_contain_text("0 / 3")
    expect(row).to_contain_text("贵宾客服")
    console.get_by_label("邀请绑定的微信号").fill("wx_someone")
    console.get_by_role("button", name="邀请绑定").click()
    expect(console.locator("dialog [role=status]")).not_to_be_empty()
    console.get_by_role("button", name="停用").click()
    console.locator("dialog").last.get_by_role("button", name="停用").click()
    expect(row).to_contain_text("已停用")
    console.get_by_role("button", name="删除账号").click()
    console.locator("dialog").last.get_by_role("button", name="删除账号").click()
    expect(row).to_have_count(0)


def test_what_wechat_refuses_is_said_in_words_with_its_code(console: Page, node: DemoNode) -> None:
    go(console, "客服账号")
    console.get_by_role("button", name="添加客服账号").click()
    node.faults({"path": "/customservice/kfaccount/add", "errcode": 65403, "count": 1})
    console.get_by_label("账号名（").fill(f"kf{secrets.token_hex(3)}")
    console.get_by_label("客服昵称").fill("小春")
    console.get_by_role("button", name="添加", exact=True).click()
    expect(console.locator("form.new [role=status]")).to_contain_text("错误码 65403")


def test_a_person_is_added_and_gets_another_password(console: Page) -> None:
    name = f"lead{secrets.token_hex(3)}"
    go(console, "人员")
    console.get_by_role("button", name="添加人员").click()
    console.locator("dialog input[name=username]").fill(name)
    console.locator("dialog input[name=display_name]").fill(NASTY)
    console.locator("dialog select[name=role]").select_option(label="组长")
    console.get_by_role("button", name="添加", exact=True).click()
    said(console, "登录密码：")
    console.get_by_role("button", name="关闭").click()
    row = console.locator("tr", has_text=name)
    expect(row).to_contain_text(NASTY)
    row.get_by_role("button", name="自动生成密码").click()
    said(console, "新密码：")


def test_a_group_gets_members_hours_and_a_fallback(console: Page) -> None:
    name = f"g{secrets.token_hex(3)}"
    go(console, "客服组")
    console.get_by_role("button", name="新建客服组").click()
    console.get_by_label("组的代号").fill(name)
    console.get_by_label("组名").fill("夜班")
    console.get_by_label("客服小林").check()
    console.locator("select[name=fallback]").select_option(label="综合客服")
    console.locator("select[name=assign]").select_option(label="客服自行接入")
    console.get_by_label("只在规定的时间服务").check()
    console.get_by_label("周一").fill("09：00－12:00，13:30-18:00")
    console.get_by_role("button", name="保存").click()
    row = console.locator("tr", has_text="夜班")
    expect(row).to_contain_text("客服小林")
    expect(row).to_contain_text("周一 09:00-12:00 13:30-18:00")
    expect(row).to_contain_text("客服自行接入")
    row.get_by_role("button", name="编辑").click()
    console.get_by_role("button", name="删除客服组").click()
    console.locator("dialog").last.get_by_role("button", name="删除客服组").click()
    expect(row).to_have_count(0)


def test_what_an_admin_is_typing_outlasts_the_clock_and_a_refusal(console: Page) -> None:
    go(console, "分配规则")
    priority = console.get_by_label("优先级").first
    priority.focus()
    console.keyboard.press("Control+A")
    console.keyboard.type("7")
    tick = console.evaluate(CLOCK)
    wait_until(lambda: console.evaluate(CLOCK) > tick)
    expect(priority).to_have_value("7")
    go(console, "客服组")
    console.get_by_role("button", name="编辑 综合客服").click()
    console.get_by_label("组名").fill("夜里的客服")
    console.get_by_label("客服小林").uncheck()
    console.get_by_label("只在规定的时间服务").check()
    console.get_by_label("周一").fill("25:00-26:00")
    console.get_by_role("button", name="保存").click()
    expect(console.locator("dialog [role=status], dialog [role=alert]").first).not_to_be_empty()
    expect(console.get_by_label("组名")).to_have_value("夜里的客服")
    expect(console.get_by_label("客服小林")).not_to_be_checked()
    expect(console.get_by_label("周一")).to_have_value("25:00-26:00")


def test_rules_are_changed_saved_and_restored(console: Page) -> None:
    go(console, "分配规则")
    rules = console.locator(".rules > li")
    rules.first.wait_for()
    before = rules.count()
    console.get_by_role("button", name="添加规则").click()
    new = rules.nth(before)
    new.get_by_label("添加条件").select_option(label="有任一标签")
    new.get_by_label("有任一标签", exact=True).fill("老客户 团购")
    new.get_by_label("优先级").fill("20")
    new.get_by_role("button", name="上移").click()
    console.get_by_role("button", name="保存").click()
    said(console, "已保存")
    expect(rules.nth(before - 1).get_by_label("有任一标签", exact=True)).to_have_value(
        "老客户 团购"
    )
    console.get_by_label("较早的版本").select_option(value="0")
    console.get_by_role("button", name="恢复这个版本").click()
    console.locator("dialog").get_by_role("button", name="恢复这个版本").click()
    expect(rules).to_have_count(before)


def test_a_notice_is_changed_with_a_preview_and_reset(console: Page) -> None:
    go(console, "通知文本")
    panel = console.locator(
        ".panel", has=console.get_by_role("heading", name="进入排队时", exact=True)
    )
    text = panel.get_by_label("中文")
    before = text.input_value()
    text.fill("您排在第 {position} 位。" + NASTY)
    expect(panel.locator(".bubble-preview").first).to_have_text("您排在第 3 位。" + NASTY)
    panel.get_by_role("button", name="保存").first.click()
    panel.get_by_role("button", name="恢复默认").click()
    expect(panel.get_by_label("中文")).to_have_value(before)


def test_the_ring_is_drawn_and_a_change_is_worked_out(console: Page, desk: Desks) -> None:
    desk().sign_in("agent1").serve()
    go(console, "分配环")
    expect(console.locator(".circle .arc")).to_have_count(1)
    expect(console.locator(".circle .arc")).to_contain_text("客服小林")
    console.get_by_label("加入一位客服").select_option(label="客服小周")
    console.get_by_role("button", name="推算").click()
    expect(console.locator("form [role=status]", has_text="的客户会换一位客服")).to_contain_text(
        "%"
    )


def test_a_supervisor_looks_on_whispers_and_ends_it_without_a_read_mark(
    console: Page, desk: Desks, node: DemoNode
) -> None:
    openid = new_openid()
    desk().sign_in("agent1").serve()
    node.says(openid, NASTY)
    go(console, "会话监看")
    console.locator(".watch-list a", has_text="onerror").click()
    thread = console.locator(".watched-thread")
    expect(thread.locator(".bubble")).to_have_text(NASTY)
    assert console.locator(".watched-thread img").count() == 0
    node.says(openid, "还在吗")
    expect(thread).to_contain_text("还在吗")
    session = node._api("GET", "/sessions?state=SERVING", node._token("admin"))["data"][0]
    assert session["unread"] == 2
    console.get_by_label("悄悄话").fill("请先安抚客户")
    console.get_by_role("button", name="发送", exact=True).click()
    expect(thread).to_contain_text("请先安抚客户")
    assert node.texts(openid) == []
    console.get_by_role("button", name="结束会话").click()
    console.get_by_label("原因（记入审计日志）").fill("重复咨询")
    console.locator("dialog").get_by_role("button", name="结束会话").click()
    expect(console.locator(".watched .chip").first).to_have_text("已结束")
    go(console, "审计日志")
    console.locator("select[name=act]").select_option(label="结束会话")
    console.get_by_role("button", name="查询").click()
    expect(console.locator("tbody tr").first).to_contain_text("重复咨询")


def test_a_supervisor_gives_a_conversation_to_another_agent(
    console: Page, desk: Desks, node: DemoNode
) -> None:
    first = desk().sign_in("agent1").serve()
    node.says(new_openid(), "请转给别人")
    expect(first.page.locator(".row", has_text="请转给别人")).to_have_count(1)
    second = desk().sign_in("agent2").serve()
    console.reload()
    go(console, "会话监看")
    console.locator(".watch-list a", has_text="请转给别人").click()
    console.get_by_role("button", name="改派").click()
    console.get_by_label("原因（记入审计日志）").fill("下班")
    console.locator("dialog").get_by_role("button", name="改派").click()
    expect(second.page.locator(".row", has_text="请转给别人")).to_have_count(1)
    expect(first.page.locator(".row", has_text="请转给别人")).to_have_count(0)


def test_messages_are_exported_and_a_customer_is_erased(
    console: Page, desk: Desks, node: DemoNode
) -> None:
    desk().sign_in("agent1").serve()
    openid = new_openid()
    node.says(openid, "=1+1")
    go(console, "导出与删除")
    with console.expect_download() as started:
        console.get_by_role("link", name="导出消息").click()
    text = Path(started.value.path()).read_bytes().decode("utf-8-sig")
    row = next(row for row in csv.DictReader(io.StringIO(text)) if row["openid"] == openid)
    assert row["内容"] == "'=1+1" and row["方向"] == "客户"
    console.get_by_label("客户的 openid").fill(openid)
    console.get_by_label("原因（记入审计日志）").fill("客户要求")
    console.get_by_role("button", name="永久删除").click()
    console.locator("dialog").get_by_role("button", name="永久删除").click()
    expect(console.locator(".removed")).to_contain_text("审计日志中的假名")
    with console.expect_download() as started:
        console.get_by_role("link", name="导出消息").click()
    assert openid not in Path(started.value.path()).read_text("utf-8-sig")


def test_the_charts_are_drawn_and_show_what_came(console: Page, node: DemoNode) -> None:
    node.says(new_openid(), "画一条线")
    expect(console.locator(".chart canvas")).to_have_count(3)
    pushes = console.locator(".key", has_text="收到推送").locator("b")
    expect(pushes).not_to_have_text("0", timeout=25_000)


def test_no_page_shows_a_raw_state_or_code_and_each_fits_a_phone(console: Page) -> None:
    console.set_viewport_size({"width": 375, "height": 667})
    for section in SECTIONS:
        console.evaluate(f"location.hash = '#{section}'")
        expect(console.locator("main h1")).to_be_visible()
        console.wait_for_timeout(400)
        text = console.locator("main").inner_text()
        assert not re.search(r"\b(WAITING|SERVING|TRANSFERING|CLOSED|undefined|null|NaN)\b", text)
        wide = console.evaluate("document.documentElement.scrollWidth")
        assert wide <= 375, section
