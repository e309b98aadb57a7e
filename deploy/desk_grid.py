"""The desk at three widths, in two themes and two languages: docs/images/desk/, described in docs/desk.md."""

from __future__ import annotations

import itertools
import json
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

WIDTHS = ((375, 667), (768, 1024), (1280, 800))
THEMES = ("light", "dark")
LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}
CUSTOMERS = {
    "oGridCustomer0000000000anna": ("您好[微笑]，我昨天下的单还没发货", "voice", "location"),
    "oGridCustomer0000000000bert": ("请问可以开专用发票吗？",),
    "oGridCustomer0000000000cora": ("图片里的这款还有货吗", "image"),
}
SETTLE_MS = 900


def draw(browser: Browser, url: str, password: str, folder: Path) -> None:
    """Twelve pictures of one moment of an agent's day."""
    folder.mkdir(parents=True, exist_ok=True)
    for size, theme, language in itertools.product(WIDTHS, THEMES, LANGUAGES):
        page = browser.new_page(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=theme,  # type: ignore[arg-type]
            locale=LANGUAGES[language],
        )
        address = f"{url}/desk?lang={language}"
        _sign_in(page, address, password)
        if not page.locator(".row", has_text="anna").count():
            _fill(page, url)
            page.goto(address)
        _open(page, wide=size[0] >= 1200)
        page.screenshot(path=folder / f"{size[0]}-{theme}-{language}.png")
        page.close()


def _sign_in(page: Page, address: str, password: str) -> None:
    page.goto(address)
    page.locator("input[name=username]").fill("agent1")
    page.locator("input[name=password]").fill(password)
    page.locator("form button.primary").click()
    page.locator(".tabs").wait_for()
    start = page.locator(".me > button.primary")
    page.wait_for_timeout(SETTLE_MS)
    if start.count():
        start.click()
        page.locator(".segments").wait_for()


def _fill(page: Page, url: str) -> None:
    for openid, acts in CUSTOMERS.items():
        _simulator(f"{url}/sim/api/followers", {"openid": openid})
        for act in acts:
            kind = act if act.isascii() else "text"
            content = "" if act.isascii() else act
            path = f"{url}/sim/api/followers/{openid}/messages"
            _simulator(path, {"type": kind, "content": content})
    page.locator(".row", has_text="anna").locator(".row-open").click()
    box = page.locator(".composer textarea")
    box.fill("您好，已为您查到订单，今天下午发货。")
    box.press("Enter")
    page.locator(".sent").first.wait_for()


def _open(page: Page, *, wide: bool) -> None:
    page.locator(".row", has_text="anna").locator(".row-open").click()
    page.locator(".thread .sent").first.wait_for()
    if wide:
        page.locator("[data-key=card]").click()
        page.locator(".customer .remark").wait_for()
    page.wait_for_timeout(SETTLE_MS)


def _simulator(address: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(
        address, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    urllib.request.urlopen(request, timeout=30).close()
