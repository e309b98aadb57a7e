"""What customers send, as the desk shows it: voices that play, places, emoticons, links, cards."""

from __future__ import annotations

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


def test_a_voice_plays_in_the_page_and_its_decoder_comes_with_the_first_play(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    fetched: list[str] = []
    agent.page.on("request", lambda request: fetched.append(request.url))
    node.says(anna, "听一下")
    agent.open("听一下")
    node.says(anna, "", type="voice")
    button = agent.page.get_by_role("button", name="播放语音")
    button.wait_for()
    assert not any("amrnb" in url for url in fetched)
    button.click()
    player = agent.page.locator(".thread audio")
    player.wait_for()
    wait_until(lambda: 1.9 < (player.evaluate("one => one.duration") or 0) < 2.1)
    assert sum("amrnb" in url for url in fetched) == 1


def test_emoticon_codes_and_addresses_are_shown_as_people_mean_them(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    node.says(anna, "[微笑]请看 https://example.com/a?b=1。谢谢/::D")
    agent.open("请看").shows("🙂请看 https://example.com/a?b=1。谢谢😁")
    link = agent.page.locator(".bubble a")
    expect(link).to_have_attribute("href", "https://example.com/a?b=1")
    expect(link).to_have_attribute("rel", "noopener noreferrer")


def test_a_place_has_its_name_and_opens_a_map_only_when_asked(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    node.says(anna, "我在这里")
    agent.open("我在这里")
    node.says(anna, "", type="location")
    card = agent.page.locator(".attached")
    expect(card).to_contain_text("纬度")
    assert str(card.get_attribute("href")).startswith("https://apis.map.qq.com/")


def test_an_act_says_what_was_done_with_its_result_or_place(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    node.says(anna, "我扫一下")
    agent.open("我扫一下")
    scan = {"type": "event", "event": "scancode_push", "scan_result": "https://example.com/]]>5"}
    node.says(anna, "", **scan)
    node.says(anna, "", type="event", event="location_select", poiname="一号店", label="人民路")
    node.says(anna, "", type="event", event="user_get_card", extra={"CardId": "pCard"})
    node.says(anna, "", type="event", event="MASSSENDJOBFINISH")
    agent.shows("客户用菜单扫了码：https://example.com/")
    agent.shows("客户用菜单选择了位置")
    agent.shows("客户领取了卡券：pCard")
    card = agent.page.locator(".attached", has_text="一号店 人民路")
    assert str(card.get_attribute("href")).startswith("https://apis.map.qq.com/")
    expect(agent.page.locator(".thread .bubble")).to_have_count(4)


def test_every_other_type_has_a_card_and_a_script_address_is_no_link(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    node.says(anna, "看看这些")
    agent.open("看看这些")
    node.says(anna, "", type="link", title="活动", url="javascript:alert(1)")
    node.says(anna, "", type="file", title="合同.pdf")
    node.says(anna, "", type="video")
    expect(agent.page.locator(".attached strong", has_text="活动")).to_be_visible()
    expect(agent.page.locator(".attached strong", has_text="合同.pdf")).to_be_visible()
    agent.page.locator(".thread video").wait_for()
    expect(agent.page.locator(".bubble a[href^='javascript']")).to_have_count(0)
