"""Several official accounts on one node: the console is about one of them at a time, and says which."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from simulator.config import SimAccount
from tests.e2e.world import AES_KEY, Credentials, Platform
from tests.support import wait_until
from tests.web.world import DemoNode, Desk, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

Desks = Callable[..., Desk]
PASSWORD = "admin-password-1"
SHOP, MINI = Credentials(wechat_id="shop"), Credentials(wechat_id="mini")
NAMES = {SHOP.appid: "旗舰店", MINI.appid: "会员中心"}


class House(DemoNode):
    """A node with a shop and a mini program; both their customers are on one platform."""

    def admin(self, method: str, path: str, body: Any = None, appid: str = "") -> Any:
        token = self._api("POST", "/tokens", "", {"username": "admin", "password": PASSWORD})
        given = f"{path}{'&' if '?' in path else '?'}appid={appid}" if appid else path
        return self._api(method, given, token["data"]["access_token"], body)["data"]


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    mini = SimAccount(
        MINI.appid, MINI.secret, MINI.token, AES_KEY, wechat_id="mini", kind="miniprogram"
    )
    made = Platform(SHOP, accounts=(mini,))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, platform: Platform) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    file = folder / "accounts.toml"
    file.write_text(accounts_file())
    made = House(
        folder,
        KF_ACCOUNTS_FILE=str(file),
        KF_WECHAT_API_BASE=platform.url,
        KF_ADMIN_PASSWORD=PASSWORD,
    )
    yield made.start()
    made.stop()


@pytest.fixture
def node(server: House, platform: Platform) -> House:
    for appid in NAMES:
        url = f"{server.url}/wechat/callback/{appid}"
        answer = requests.patch(
            f"{platform.url}/sim/api/account?appid={appid}", json={"callback_url": url}, timeout=20
        )
        assert answer.ok, answer.text
    return server


def accounts_file() -> str:
    kinds = {SHOP.appid: "official", MINI.appid: "miniprogram"}
    return "\n".join(
        f'[[accounts]]\nappid = "{one.appid}"\napp_secret = "{one.secret}"\ntoken = "{one.token}"\n'
        f'encoding_aes_key = "{AES_KEY}"\nwechat_id = "{one.wechat_id}"\n'
        f'kind = "{kinds[one.appid]}"\nname = "{NAMES[one.appid]}"\n'
        for one in (SHOP, MINI)
    )


@pytest.fixture
def console(desk: Desks, node: House) -> Page:
    page = desk().page
    page.goto(f"{node.url}/admin?lang=zh")
    sign_in(page, "admin", PASSWORD)
    page.locator(".figure").first.wait_for()
    return page


def says(platform: Platform, appid: str, openid: str, **spec: Any) -> None:
    url = f"{platform.url}/sim/api/followers/{openid}/messages?appid={appid}"
    answer = requests.post(url, json=spec, timeout=20)
    assert answer.ok, answer.text


def go(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.locator("h1")).to_have_text(name)


def test_the_console_shows_one_account_at_a_time_and_keeps_the_choice(
    console: Page, node: House, platform: Platform
) -> None:
    for appid, nickname in ((SHOP.appid, "小店"), (MINI.appid, "小程")):
        body = {"kf_account": "amy", "nickname": nickname, "password": "agent-password-1"}
        body["username"] = f"amy{secrets.token_hex(2)}"
        node.admin("POST", "/admin/kf-accounts", body, appid)
    openid = f"o{secrets.token_hex(12)}"
    says(platform, SHOP.appid, openid, text="店里的客户")
    says(platform, MINI.appid, openid, text="小程序的客户")
    choice = console.get_by_label("公众号")
    expect(choice).to_have_value(SHOP.appid)
    expect(choice.locator("option")).to_have_text(["旗舰店", "会员中心（小程序）"])
    go(console, "客服账号")
    expect(console.locator("tbody tr")).to_have_count(1)
    expect(console.locator("tbody")).to_contain_text("小店")
    choice.select_option(MINI.appid)
    expect(console.locator("tbody")).to_contain_text("小程")
    expect(console.locator("tbody tr")).to_have_count(1)
    expect(console).to_have_title("客服账号 · 会员中心 · 管理后台")
    go(console, "会话监看")
    expect(console.locator(".watch-list li")).to_have_count(1)
    expect(console.locator(".watch-list")).to_contain_text("小程序的客户")
    console.reload()
    expect(console.locator(".watch-list")).to_contain_text("小程序的客户")
    console.goto(f"{node.url}/admin")
    expect(console.get_by_label("公众号")).to_have_value(MINI.appid)


def test_what_is_done_counts_for_the_chosen_account_only(
    console: Page, node: House, platform: Platform
) -> None:
    console.get_by_label("公众号").select_option(MINI.appid)
    expect(console.get_by_label("公众号")).to_have_value(MINI.appid)
    console.locator(".figure").first.wait_for()
    go(console, "客服组")
    name = f"g{secrets.token_hex(3)}"
    console.get_by_role("button", name="新建客服组").click()
    console.get_by_label("组的代号").fill(name)
    console.get_by_label("组名").fill("会员组")
    console.get_by_role("button", name="保存").click()
    expect(console.locator("tbody")).to_contain_text("会员组")
    named = {
        appid: [one["title"] for one in node.admin("GET", "/admin/groups", appid=appid)]
        for appid in NAMES
    }
    assert "会员组" in named[MINI.appid] and "会员组" not in named[SHOP.appid]
    says(platform, MINI.appid, f"o{secrets.token_hex(12)}", type="image")
    go(console, "会话监看")
    console.locator(".watch-list a").first.click()
    picture = console.locator(".watched-thread .picture img")
    wait_until(lambda: picture.evaluate_all("found => found[0]?.naturalWidth > 0"))
    go(console, "导出与删除")
    with console.expect_download() as started:
        console.get_by_role("link", name="导出会话").click()
    text = Path(started.value.path()).read_bytes().decode("utf-8-sig")
    assert len(text.splitlines()) > 1


def test_a_mini_program_is_offered_what_wechat_takes_and_the_rest_is_grey(
    desk: Desks, node: House, platform: Platform
) -> None:
    password, username = "agent-password-1", f"mia{secrets.token_hex(2)}"
    body = {"kf_account": "mia", "nickname": "小米", "password": password, "username": username}
    node.admin("POST", "/admin/kf-accounts", body, MINI.appid)
    agent = desk()
    page = agent.page
    page.goto(f"{node.url}/desk?lang=zh")
    sign_in(page, username, password)
    agent.serve()
    openid = f"o{secrets.token_hex(12)}"
    says(platform, MINI.appid, openid, text="有活动吗")
    agent.open("有活动吗")
    expect(page.get_by_label("语音或视频文件")).to_be_disabled()
    page.get_by_role("button", name="更多").click()
    for name in ("图文链接", "菜单"):
        grey = page.get_by_role("menuitem", name=name)
        expect(grey).to_have_attribute("aria-disabled", "true")
        expect(grey).to_contain_text("微信不接受这个账号发送")
    page.get_by_role("menuitem", name="链接卡片").click()
    dialog = page.get_by_role("dialog", name="链接卡片")
    dialog.get_by_label("标题").fill("周末活动")
    dialog.get_by_label("链接地址").fill("https://example.com/a")
    dialog.get_by_role("button", name="发送").click()
    expect(page.locator(".thread .attached", has_text="周末活动")).to_have_count(1)
    transcript = f"{platform.url}/sim/api/followers/{openid}/transcript?appid={MINI.appid}"

    def heard() -> list[str]:
        rows = requests.get(transcript, timeout=20).json()["data"]
        return [row["text"] for row in rows if row["type"] == "link"]

    wait_until(lambda: heard() == ["周末活动"])


def test_a_supervisor_is_given_an_official_account_on_the_people_page(
    console: Page, node: House
) -> None:
    username = f"lea{secrets.token_hex(2)}"
    body = {"username": username, "role": "supervisor", "password": "supervisor-pass-1"}
    node.admin("POST", "/admin/people", body)
    go(console, "人员")
    mine = console.get_by_role("group", name=f"负责的公众号 {username}")
    expect(mine).to_contain_text("未指定公众号")
    mine.get_by_label("会员中心").click()
    expect(mine.get_by_label("会员中心")).to_be_checked()
    expect(mine).not_to_contain_text("未指定公众号")
    wait_until(
        lambda: (
            next(p for p in node.admin("GET", "/admin/people") if p["username"] == username)[
                "leads"
            ]
            == [MINI.appid]
        )
    )
