"""kfring in a folder of a host that serves another program, too: a real browser, a real Nginx, TLS."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

from simulator.samples import png
from tests.conftest import need
from tests.nginx import SecureNginx, nginx_missing
from tests.support import free_port, wait_until
from tests.web.world import SHOWN_MS, DemoNode, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

HOST = "localhost"
OTHER = '    location / { default_type text/plain; return 200 "another program: $http_cookie"; }\n}'
CUT_OFF = """
    location /kf/ {
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_buffering off;
        proxy_pass http://kfring/;
    }
"""


class Front(SecureNginx):
    """The shipped file with kfring below /kf/, passed on or cut off, and another program at /."""

    def __init__(self, folder: Path, node: DemoNode, port: int) -> None:
        super().__init__(folder, node.port, "/kf", HOST, port)
        self.node, self.url = node, f"https://{HOST}:{port}"
        head = self.site.rpartition("}")[0]
        locations = head.index("    location ", head.rindex("server_name"))
        self._sites = {"passed on": head + OTHER, "cut off": head[:locations] + CUT_OFF + OTHER}

    def lead(self, how: str) -> Front:
        self.stop()
        self.site = self._sites[how]
        self.start()
        return self


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    need(nginx_missing())
    port = free_port()
    public = {"KF_PUBLIC_URL": f"https://{HOST}:{port}/kf", "KF_TRUSTED_PROXIES": "127.0.0.1"}
    node = DemoNode(tmp_path_factory.mktemp("node"), **public).start()
    made = Front(tmp_path_factory.mktemp("front"), node, port)
    yield made
    made.stop()
    node.stop()


@pytest.fixture(params=["passed on", "cut off"])
def way(request: pytest.FixtureRequest, front: Front) -> Front:
    """Nginx leads to the node, with the folder or without it."""
    front.node.clear()
    return front.lead(request.param)


@pytest.fixture
def context(browser: Browser, way: Front) -> Iterator[BrowserContext]:
    """A browser, all of whose requests to the host must stay in the folder and be answered."""
    made = browser.new_context(locale="zh-CN", ignore_https_errors=True)
    strayed: list[str] = []
    made.on("response", lambda answer: _note(strayed, answer.url, answer.status))
    made.on("weberror", lambda error: strayed.append(str(error.error)))
    made.set_default_timeout(SHOWN_MS)
    yield made
    made.close()
    assert strayed == []


def _note(strayed: list[str], url: str, status: int) -> None:
    path = urlsplit(url).path
    if url.startswith("https://") and path != "/" and (status >= 400 or not is_inside(path)):
        strayed.append(f"{status} {url}")


def is_inside(path: str) -> bool:
    return path == "/kf" or path.startswith("/kf/")


def test_phone_desk_stream_and_pictures_work_in_the_folder(
    way: Front, context: BrowserContext
) -> None:
    page = context.new_page()
    page.goto(f"{way.url}/kf/demo")
    phone, desk = page.frame_locator("#phone"), page.frame_locator("#desk")
    phone.get_by_role("button", name="添加客户").click()
    sign_in(desk, "agent1", way.node.password("agent1"))
    desk.get_by_role("button", name="开始接待").click()
    question, answer = (f"{secrets.token_hex(3)} {word}" for word in ("在吗", "在的"))
    phone.locator("#text").fill(question)
    phone.locator("#send").click()
    desk.locator(".row", has_text=question).locator(".row-open").click()
    phone.locator("#file").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": png()}
    )
    wait_until(lambda: is_drawn(desk, ".thread img"))
    desk.get_by_label("回复客户").fill(answer)
    desk.get_by_label("回复客户").press("Enter")
    expect(phone.get_by_text(answer)).to_be_visible()
    expect(page.locator("#steps li[data-done=true]")).to_have_count(3)
    assert is_drawn(phone, "img.picture")


def is_drawn(frame: FrameLocator, selector: str) -> bool:
    """Return whether the last picture has come."""
    pictures = frame.locator(selector)
    return bool(pictures.count() and pictures.last.evaluate("one => one.naturalWidth"))


def test_a_login_is_for_the_folder_alone_and_ends_with_signing_out(
    way: Front, context: BrowserContext
) -> None:
    page = context.new_page()
    page.goto(f"{way.url}/kf")
    expect(page).to_have_url(f"{way.url}/kf/desk")
    sign_in(page, "agent1", way.node.password("agent1"))
    page.get_by_role("tab", name="接待中").wait_for()
    (cookie,) = context.cookies()
    shown = (cookie["name"], cookie["path"], cookie["secure"], cookie["httpOnly"])
    assert shown == ("__Secure-kfring", "/kf", True, True)
    assert cookie["domain"] == HOST
    assert text_of(page, f"{way.url}/") == "another program: "
    page.goto(f"{way.url}/kf/desk")
    page.get_by_role("button", name="退出登录").click()
    page.get_by_label("用户名").wait_for()
    assert context.cookies() == []


def text_of(page: Page, url: str) -> str:
    page.goto(url)
    return page.locator("body").inner_text() if page.locator("pre").count() else ""


def test_console_and_desk_lead_to_each_other(way: Front, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{way.url}/kf/desk")
    sign_in(page, "admin", way.node.password("admin"))
    page.get_by_role("link", name="管理后台").click()
    expect(page).to_have_url(f"{way.url}/kf/admin")
    page.locator("main.section h1").wait_for()


def test_programs_find_the_api_where_its_description_says(way: Front) -> None:
    trusted = way.folder / "certificate.pem"
    found = requests.get(f"{way.url}/kf/api/v1/openapi.json", verify=trusted, timeout=5).json()
    assert found["servers"] == [{"url": "/kf"}]
    straight = requests.get(f"{way.node.url}/api/v1/openapi.json", timeout=5).json()
    assert "servers" not in straight and straight["paths"] == found["paths"]


def test_the_node_itself_serves_both_forms(front: Front, browser: Browser) -> None:
    for folder in ("", "/kf"):
        context = browser.new_context(locale="zh-CN")
        page = context.new_page()
        page.goto(f"{front.node.url}{folder}/desk")
        sign_in(page, "agent2", front.node.password("agent2"))
        page.get_by_role("tab", name="接待中").wait_for()
        (cookie,) = context.cookies()
        assert (cookie["name"], cookie["path"]) == ("kfring_session", folder or "/")
        context.close()
