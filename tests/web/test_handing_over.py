"""A conversation changes hands: with a colleague's consent, without it, or by a supervisor's word."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support import wait_until
from tests.web.test_parity import Watched
from tests.web.world import DemoNode, Desk, sign_in, tab_to

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

Desks = Callable[..., Desk]
TIMEOUT_S = 8
PASSWORD = "lead-password-1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoNode]:
    made = DemoNode(
        tmp_path_factory.mktemp("consent"),
        KF_TRANSFER_CONSENT="1",
        KF_TRANSFER_TIMEOUT_S=str(TIMEOUT_S),
    )
    yield made.start()
    made.stop()


@pytest.fixture
def anna() -> str:
    """A customer nobody has met, shown as 客户anna."""
    return f"o{secrets.token_hex(12)[:23]}anna"


@pytest.fixture
def pair(desk: Desks, node: DemoNode, anna: str) -> tuple[Desk, Desk]:
    """小林 serves anna and has asked 小周 to take over."""
    first = desk().sign_in("agent1").serve()
    node.says(anna, "要退货")
    first.open("要退货")
    second = desk().sign_in("agent2").serve()
    first.page.get_by_role("button", name="转接", exact=True).click()
    dialog = first.page.get_by_role("dialog")
    dialog.get_by_label("客服小周").check()
    dialog.get_by_label("内部备注").fill("已核对订单")
    dialog.get_by_role("button", name="转接", exact=True).click()
    second.page.locator(".row", has_text="请您接手").locator(".row-open").click()
    return first, second


def asked(agent: Desk) -> Locator:
    return agent.page.locator(".asked")


def seconds(agent: Desk) -> int:
    found = re.search(r"还剩 (\d+) 秒", asked(agent).inner_text())
    assert found is not None
    return int(found[1])


def test_a_colleague_who_accepts_gets_the_conversation_and_the_first_one_only_reads(
    pair: tuple[Desk, Desk], node: DemoNode, anna: str
) -> None:
    first, second = pair
    expect(asked(first)).to_contain_text("正在等待 客服小周 接受转接")
    expect(asked(second)).to_contain_text("客服小林 请您接手这位客户")
    expect(asked(second)).to_contain_text("已核对订单")
    expect(second.page.get_by_text("接受转接后才能回复。")).to_be_visible()
    expect(second.page.get_by_text("客服小林 也在查看这个会话")).to_be_visible()
    first.page.get_by_label("回复客户").press_sequentially("请")
    expect(second.page.get_by_text("客服小林 正在输入")).to_be_visible()
    before = seconds(second)
    assert 0 < before <= TIMEOUT_S
    wait_until(lambda: seconds(second) < before)
    asked(second).get_by_role("button", name="接受").click()
    expect(first.page.get_by_text("这个会话已由其他客服接待，您不能再回复。")).to_be_visible()
    second.write("您好，我来处理。")
    wait_until(lambda: node.texts(anna) == ["您好，我来处理。"])


def test_a_colleague_who_declines_leaves_it_where_it_was(
    pair: tuple[Desk, Desk], node: DemoNode, anna: str
) -> None:
    first, second = pair
    first.write("请稍等")
    wait_until(lambda: node.texts(anna) == ["请稍等"])
    asked(second).get_by_role("button", name="拒绝").click()
    expect(first.page.get_by_text("转接给 客服小周 没有成功：对方没有接受")).to_be_visible()
    expect(asked(first)).to_have_count(0)
    expect(second.page.locator(".row")).to_have_count(0)
    expect(second.page.get_by_label("回复客户")).to_have_count(0)
    first.write("还是我来")
    wait_until(lambda: node.texts(anna) == ["请稍等", "还是我来"])


def test_a_request_to_take_over_is_answered_by_keyboard_alone(
    pair: tuple[Desk, Desk], node: DemoNode, anna: str
) -> None:
    first, second = pair
    asked(second).wait_for()
    second.page.evaluate("document.activeElement.blur()")
    tab_to(second.page, "拒绝")
    tab_to(second.page, "接受")
    second.page.keyboard.press("Enter")
    expect(first.page.get_by_text("这个会话已由其他客服接待，您不能再回复。")).to_be_visible()
    expect(second.page.get_by_label("回复客户")).to_be_focused()
    second.page.keyboard.type("您好，我来处理。")
    second.page.keyboard.press("Enter")
    wait_until(lambda: node.texts(anna) == ["您好，我来处理。"])


def test_a_colleague_who_does_not_answer_in_time_is_no_longer_asked(
    pair: tuple[Desk, Desk], node: DemoNode, anna: str
) -> None:
    first, second = pair
    expect(first.page.get_by_text("转接给 客服小周 没有成功：对方没有及时接受")).to_be_visible()
    expect(asked(second)).to_have_count(0)
    expect(second.page.locator(".row")).to_have_count(0)
    first.write("还在")
    wait_until(lambda: node.texts(anna) == ["还在"])


def test_asking_answering_and_a_supervisors_acts_leave_what_a_fresh_fetch_would(
    pair: tuple[Desk, Desk], node: DemoNode, anna: str
) -> None:
    first, second = pair
    asked(second).get_by_role("button", name="接受").click()
    expect(asked(second)).to_have_count(0)
    watched = Watched(second)
    session = node.admin("GET", "/sessions?state=SERVING")[0]
    path = f"/sessions/{session['id']}"
    node.admin("POST", f"{path}/whisper", {"text": "请先道歉"})
    watched.agrees("a whisper")
    node.admin("PATCH", f"/customers/{anna}", {"remark": "王女士"})
    watched.agrees("a remark")
    back = {"kf_account": first_name(node), "reason": "熟客"}
    node.admin("POST", f"{path}/assign", back)
    expect(second.page.locator(".row")).to_have_count(0)
    watched.agrees("being given to a colleague")
    second.page.get_by_role("button", name="小休").click()
    watched.agrees("a break")
    watched = Watched(first)
    node.says(anna, "", type="event", event="unsubscribe")
    expect(first.page.get_by_text("会话已结束：客户取消了关注")).to_be_visible()
    watched.agrees("a customer who left")
    node.says(anna.replace("anna", "bert"), "还有一位")
    expect(first.page.locator(".row", has_text="还有一位")).to_have_count(1)
    first.page.get_by_role("button", name="离线", exact=True).click()
    first.page.get_by_role("button", name="转出并离线").click()
    watched.agrees("going offline with a customer handed on")


def first_name(node: DemoNode) -> str:
    found = node.admin("GET", "/admin/kf-accounts")
    name: str = next(one["kf_account"] for one in found if one["username"] == "agent1")
    return name


@pytest.fixture
def lead(node: DemoNode) -> Iterator[str]:
    """A supervisor who also serves: his username."""
    name = f"lead{secrets.token_hex(2)}"
    body = {"kf_account": name, "nickname": "组长老陈", "password": PASSWORD, "role": "supervisor"}
    made = node.admin("POST", "/admin/kf-accounts", body)
    yield name
    node.admin("DELETE", f"/admin/kf-accounts/{made['kf_account']}")


def console(desk: Desks, node: DemoNode, lead: str) -> Page:
    """His desk, in service, and beside it the console with the conversations of all."""
    own = desk()
    own.page.goto(f"{node.url}/desk")
    sign_in(own.page, lead, PASSWORD)
    own.serve()
    page = own.context.new_page()
    page.goto(f"{node.url}/admin#live")
    return page


def test_a_supervisors_takeover_turns_the_agents_page_read_only_at_once(
    desk: Desks, node: DemoNode, anna: str, lead: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    node.says(anna, "我要投诉")
    agent.open("我要投诉")
    agent.page.get_by_label("回复客户").fill("写了一半")
    page = console(desk, node, lead)
    page.locator(".watch-list a", has_text="我要投诉").click()
    page.get_by_role("button", name="接管").click()
    page.get_by_label("原因（记入审计日志）").fill("投诉升级")
    page.locator("dialog").get_by_role("button", name="接管").click()
    expect(agent.page.get_by_text("这个会话已由其他客服接待，您不能再回复。")).to_be_visible()
    expect(agent.page.get_by_label("回复客户")).to_have_count(0)
    expect(agent.page.get_by_text(f"组长 {lead} 接管了会话，留言：投诉升级")).to_be_visible()
    expect(agent.page.locator(".row")).to_have_count(0)
    expect(agent.page.get_by_role("button", name="为什么是我")).to_have_count(0)
    own = page.context.pages[0]
    own.locator(".row", has_text="我要投诉").locator(".row-open").click()
    own.get_by_role("button", name="为什么是我").click()
    expect(own.get_by_role("dialog")).to_contain_text("换了客服：由组长接管")
    expect(own.get_by_role("dialog")).to_contain_text("在此之前分配给：客服小林")
    own.keyboard.press("Escape")
    own.get_by_label("回复客户").fill("我是组长，请讲。")
    own.get_by_label("回复客户").press("Enter")
    wait_until(lambda: node.texts(anna) == ["我是组长，请讲。"])
