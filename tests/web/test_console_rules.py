"""Rules are tried before they are saved, and every condition can be written in the console."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.web.test_console_pages import console, go, said
from tests.web.world import Desk

__all__ = ["console"]

Desks = Callable[..., Desk]


def test_edited_rules_are_tried_on_facts_and_on_a_customer_without_being_saved(
    console: Page, desk: Desks
) -> None:
    desk().sign_in("agent1").serve()
    go(console, "分配规则")
    rules = console.locator(".rules > li")
    rules.first.wait_for()
    trial = console.locator("form.panel", has=console.get_by_role("heading", name="试一试"))
    trial.get_by_label("贵宾等级").fill("2")
    trial.get_by_role("button", name="推算").click()
    expect(trial.get_by_role("status")).to_contain_text("进入综合客服")
    rules.first.get_by_label("贵宾等级高于", exact=True).fill("1")
    rules.first.get_by_label("优先级").fill("30")
    trial.get_by_role("button", name="推算").click()
    expect(trial.get_by_role("status")).to_contain_text("符合第 1 条规则，优先级 30")
    trial.get_by_label("客户的 openid").fill("oTried")
    trial.get_by_role("button", name="推算").click()
    expect(trial.get_by_role("status")).to_contain_text("由 客服小林 接待")
    console.reload()
    rules.first.wait_for()
    expect(rules.first.get_by_label("贵宾等级高于", exact=True)).to_have_value("3")


def test_hours_and_the_agent_before_are_conditions_like_the_others(console: Page) -> None:
    go(console, "分配规则")
    rules = console.locator(".rules > li")
    rules.first.wait_for()
    console.get_by_role("button", name="添加规则").click()
    new = rules.last
    new.get_by_label("添加条件").select_option(label="时段（几点到几点，例如 9-18）")
    hours = new.get_by_label("时段（几点到几点，例如 9-18）", exact=True)
    expect(hours).to_have_value("9-18")
    hours.fill("22-6")
    new.get_by_label("添加条件").select_option(label="上次的客服是")
    new.get_by_label("上次的客服是").select_option(label="客服小周")
    console.get_by_role("button", name="保存").click()
    said(console, "已保存")
    console.reload()
    rules.first.wait_for()
    expect(rules.last.get_by_label("时段（几点到几点，例如 9-18）", exact=True)).to_have_value(
        "22-6"
    )
    chosen = rules.last.get_by_label("上次的客服是").locator("option:checked")
    expect(chosen).to_have_text("客服小周")
