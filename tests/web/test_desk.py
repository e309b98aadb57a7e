"""The agent's desk in a real browser, on a real server, with customers on the simulated platform."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from simulator.samples import png
from tests.support import wait_until
from tests.web.world import DemoNode, Desk, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

Desks = Callable[..., Desk]
SEND = "/cgi-bin/message/custom/send"
HOSTILE = """<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>"""


@pytest.fixture
def anna() -> str:
    """A customer nobody has met, shown as 客户anna."""
    return f"o{secrets.token_hex(12)[:23]}anna"


def test_phone_and_desk_side_by_side_speak_with_each_other(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    page = desk().page
    page.goto(f"{node.url}/demo")
    phone, agent = page.frame_locator("#phone"), page.frame_locator("#desk")
    sign_in(agent, "agent1", node.password("agent1"))
    agent.get_by_role("button", name="开始接待").click()
    agent.get_by_role("button", name="小休").wait_for()
    phone.locator("#text").fill("订单什么时候发货？")
    phone.locator("#send").click()
    agent.locator(".row", has_text="订单什么时候发货").locator(".row-open").click()
    agent.get_by_label("回复客户").fill("您好，今天发货。")
    agent.get_by_label("回复客户").press("Enter")
    phone.locator(".bubble", has_text="您好，今天发货。").wait_for()
    agent.locator(".sent").wait_for()
    expect(agent.get_by_text("还可回复 4 条")).to_be_visible()


def test_what_a_customer_writes_stays_text(desk: Desks, node: DemoNode, anna: str) -> None:
    agent = desk().sign_in("agent1").serve()
    node.says(anna, HOSTILE)
    agent.open("<img").shows(HOSTILE)
    expect(agent.page.locator(".thread img")).to_have_count(0)
    assert "owned" not in agent.page.title()


def test_an_enter_that_ends_a_composition_does_not_send(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    node.says(anna, "您好")
    agent.open("您好")
    box = agent.page.get_by_label("回复客户")
    box.fill("ni hao")
    for state in ({"isComposing": True}, {"keyCode": 229}):
        box.dispatch_event("keydown", {"key": "Enter", **state})
    expect(agent.page.locator(".message[data-direction=out]")).to_have_count(0)
    expect(box).to_have_value("ni hao")
    box.press("Shift+Enter")
    expect(box).to_have_value("ni hao\n")
    box.press("Enter")
    wait_until(lambda: node.texts(anna) == ["ni hao\n"])


def test_a_picture_goes_to_the_customer_and_one_comes_back(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    node.says(anna, "请发一张图")
    agent.open("请发一张图")
    picture = {"name": "a.png", "mimeType": "image/png", "buffer": png()}
    agent.page.get_by_label("发送图片").set_input_files([picture])
    wait_until(lambda: [row["type"] for row in node.received(anna)] == ["image"])
    node.says(anna, "", type="image")
    expect(agent.page.locator(".thread .picture img")).to_have_count(2)
    loaded = "images => images.every((image) => image.complete && image.naturalWidth > 0)"
    wait_until(lambda: agent.page.locator(".thread .picture img").evaluate_all(loaded))


def test_a_file_that_wechat_would_refuse_is_refused_in_words(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    node.says(anna, "您好")
    agent.open("您好")
    wrong = {"name": "a.webp", "mimeType": "image/webp", "buffer": b"RIFF"}
    agent.page.get_by_label("发送图片").set_input_files([wrong])
    expect(agent.page.get_by_text("微信只接受 JPG、PNG、GIF 图片。")).to_be_visible()


def test_a_transferred_conversation_turns_read_only_at_once(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    first = desk().sign_in("agent1").serve()
    node.says(anna, "我要开发票")
    first.open("我要开发票")
    second = desk().sign_in("agent2").serve()
    first.page.get_by_role("button", name="转接", exact=True).click()
    dialog = first.page.get_by_role("dialog")
    dialog.get_by_role("radio").first.check()
    dialog.get_by_label("内部备注").fill("这位要专票")
    dialog.get_by_role("button", name="转接", exact=True).click()
    expect(first.page.get_by_text("这个会话已由其他客服接待，您不能再回复。")).to_be_visible()
    second.open("我要开发票")
    expect(second.page.get_by_text("留言：这位要专票")).to_be_visible()
    second.write("好的，请告诉我抬头。")
    wait_until(lambda: node.texts(anna) == ["好的，请告诉我抬头。"])


def test_closing_moves_it_to_the_closed_ones(desk: Desks, node: DemoNode, anna: str) -> None:
    agent = desk().sign_in("agent1").serve()
    node.says(anna, "没事了")
    agent.open("没事了")
    agent.page.get_by_role("button", name="结束会话").click()
    agent.page.get_by_role("dialog").get_by_role("button", name="结束会话").click()
    expect(agent.page.get_by_text("会话已结束。客户再次发来消息时会开始新的会话。")).to_be_visible()
    agent.page.get_by_role("tab", name="已结束").click()
    expect(agent.page.locator(".row[data-open=true]", has_text="客户anna")).to_have_count(1)


def test_one_who_waited_comes_when_the_agent_starts_serving(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1")
    node.says(anna, "有人吗")
    agent.page.get_by_role("tab", name="排队中").click()
    expect(agent.page.locator(".row", has_text="有人吗")).to_have_count(1)
    agent.page.locator(".row").get_by_role("button", name="接入").click()
    expect(agent.page.get_by_text("客服当前不在线。")).to_be_visible()
    agent.serve()
    expect(agent.page.get_by_text("没有客户在排队。")).to_be_visible()
    agent.page.get_by_role("tab", name="接待中").click()
    agent.open("有人吗")
    expect(agent.page).to_have_title("客服工作台")


def test_unread_is_counted_in_the_title_until_it_is_read(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    bert = anna.replace("anna", "bert")
    node.says(anna, "第一位")
    node.says(bert, "第二位")
    node.says(bert, "第二位又说")
    expect(agent.page).to_have_title("(3) 客服工作台")
    agent.open("第二位又说")
    expect(agent.page).to_have_title("(1) 客服工作台")


def test_a_refused_reply_shows_the_reason_and_can_be_sent_again(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    node.says(anna, "您好")
    agent.open("您好")
    node.faults({"path": SEND, "errcode": 45166, "count": 1})
    agent.write("被拒绝的话")
    expect(agent.page.get_by_text(re.compile("发送失败：内容未通过安全审核"))).to_be_visible()
    agent.page.get_by_role("button", name="重发").click()
    expect(agent.page.locator(".sent")).to_have_count(1)
    assert node.texts(anna) == ["被拒绝的话"]


def test_a_message_that_may_have_arrived_is_sent_again_only_after_asking(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    node.says(anna, "您好")
    agent.open("您好")
    node.faults({"path": SEND, "http_status": 502, "after": True, "count": 1})
    agent.write("也许到了的话")
    doubtful = agent.page.locator(".message[data-status=unknown]")
    expect(doubtful).to_contain_text("未收到微信的确认，可能已送达")
    agent.write("后面的话不受影响")
    wait_until(lambda: node.texts(anna) == ["也许到了的话", "后面的话不受影响"])
    expect(doubtful).to_have_count(1)
    doubtful.get_by_role("button", name="确认后重发").click()
    dialog = agent.page.get_by_role("dialog", name="确认后重发")
    expect(dialog).to_contain_text("重发会让客户收到两次")
    dialog.get_by_role("button", name="取消").click()
    agent.page.wait_for_timeout(300)
    assert node.texts(anna).count("也许到了的话") == 1
    doubtful.get_by_role("button", name="确认后重发").click()
    dialog.get_by_role("button", name="重发", exact=True).click()
    expect(doubtful).to_have_count(0)
    wait_until(lambda: node.texts(anna).count("也许到了的话") == 2)


def test_going_offline_with_open_conversations_asks_first(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    node.says(anna, "您好")
    agent.open("您好")
    agent.page.get_by_role("button", name="离线", exact=True).click()
    expect(agent.page.get_by_text(re.compile("您还有 1 个未结束的会话"))).to_be_visible()
    agent.page.get_by_role("button", name="转出并离线").click()
    expect(agent.page.get_by_role("button", name="开始接待")).to_be_visible()
    agent.page.get_by_role("tab", name="排队中").click()
    expect(agent.page.locator(".row", has_text="客户anna")).to_have_count(1)


def test_on_a_phone_list_and_conversation_are_two_screens(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk(viewport={"width": 375, "height": 667}, has_touch=True).sign_in("agent1").serve()
    node.says(anna, "在手机上")
    agent.open("在手机上")
    expect(agent.page.get_by_role("tab", name="接待中")).to_be_hidden()
    agent.page.get_by_label("回复客户").fill("收到")
    agent.page.get_by_role("button", name="发送", exact=True).click()
    wait_until(lambda: node.texts(anna) == ["收到"])
    assert agent.page.evaluate("document.documentElement.scrollWidth") <= 375
    agent.page.get_by_role("button", name="返回列表").click()
    expect(agent.page.get_by_role("tab", name="接待中")).to_be_visible()


def test_every_word_is_there_in_english_too(desk: Desks, node: DemoNode, anna: str) -> None:
    agent = desk().sign_in("agent1").serve()
    agent.page.get_by_role("button", name="切换到英文").click()
    expect(agent.page.get_by_role("tab", name="Waiting")).to_be_visible()
    shown = agent.page.locator(".desk").inner_text().replace("客服小林", "")
    assert not re.search("[\u4e00-\u9fff]", shown.replace("中", "", 1)), shown


def test_the_wrong_password_is_told_in_words(desk: Desks, node: DemoNode, anna: str) -> None:
    agent = desk()
    agent.page.goto(f"{node.url}/desk")
    sign_in(agent.page, "agent1", "wrong-password")
    expect(agent.page.get_by_text("用户名或密码不正确。")).to_be_visible()


def test_a_killed_server_is_shown_and_nothing_is_missed(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    node.says(anna, "之前")
    agent.open("之前")
    node.kill9()
    expect(agent.page.get_by_text(re.compile("连接已断开"))).to_be_visible()
    node.start()
    expect(agent.page.get_by_text(re.compile("连接已断开"))).to_have_count(0, timeout=40_000)
    node.says(anna, "之后")
    agent.shows("之后")
    agent.write("还在")
    wait_until(lambda: node.texts(anna) == ["还在"])
    agent.complaints.clear()
