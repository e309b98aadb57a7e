"""`make screenshots`: the console's pages at three widths, light and dark, in both languages.

Plays a little story over the API first, so that the pages have something to show; writes
docs/images/console/<page>-<width>-<theme>-<language>.png. Needs chromium and the development requirements.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import requests
import screenshots as demo
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = demo.IMAGES / "console"
WIDTHS = {1280: 860, 768: 900, 375: 760}
THEMES = ("light", "dark")
LANGUAGES = ("zh", "en")
PAGES = ("overview", "live", "accounts", "ring", "rules", "groups", "notices", "audit", "data")
EVERY_WAY = ("overview", "live", "accounts", "ring")
"""Shown at every width, theme and language; the others once in each language."""

TIMEOUT_S = 20
SETTLE_MS = 700
SERIES_S = 11


def main() -> int:
    chromium = demo.browser_path()
    if chromium is None:
        sys.stderr.write("screenshots: chromium is not installed\n")
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kfring-") as folder:
        server = demo._start(Path(folder))
        try:
            passwords = demo._wait(server, Path(folder))
            shown = _story(passwords)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=demo.ARGUMENTS)
                for theme in THEMES:
                    _theme(browser, passwords, theme, shown)
        finally:
            server.terminate()
            server.wait(30)
    return 0


def _theme(browser: Browser, passwords: dict[str, str], theme: Any, shown: str) -> None:
    context = browser.new_context(color_scheme=theme, viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.goto(f"{demo.URL}/admin?lang=zh")
    demo._sign_in(page.main_frame, "admin", passwords)
    page.locator(".figure").first.wait_for()
    for language in LANGUAGES:
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            for name in PAGES:
                if name in EVERY_WAY or (theme == "light" and width == 1280):
                    _shoot(page, name, language, shown)
                    file = f"{name}-{width}-{theme}-{language}.png"
                    page.screenshot(path=IMAGES / file)
    context.close()


def _shoot(page: Page, name: str, language: str, shown: str) -> None:
    rest = f"/{shown}" if name == "live" else ""
    page.goto(f"{demo.URL}/admin?lang={language}#{name}{rest}")
    page.locator(".section h1").wait_for()
    if name == "ring":
        page.locator("form input[name=openid]").fill("oNewCustomer0001")
        page.locator("form .primary").first.click()
        page.locator(".candidates").wait_for()
        page.evaluate(
            "document.querySelector('.console').parentElement.scrollTop = 0; scrollTo(0, 0)"
        )
    page.wait_for_timeout(SETTLE_MS)


def _story(passwords: dict[str, str]) -> str:
    """Customers served, waiting and closed, a failed message, whispers; the conversation to look at."""
    agents = {name: _token(name, passwords) for name in ("agent1", "agent2")}
    admin = _token("admin", passwords)
    for token in agents.values():
        _api("PUT", "/me/presence", token, {"status": "online"})
        _api("POST", "/me/heartbeat", token)
    for number, text in enumerate(
        (
            "我的快递到哪里了？",
            "请问可以开发票吗？",
            "尺码偏大可以换吗？",
            "优惠券用不了",
            "想退货，怎么办理？",
            "什么时候有货？",
        )
    ):
        _says(f"oCustomer{number:04d}", text)
    for session in _api("GET", "/sessions?state=SERVING", admin)[1:]:
        token = agents[session["kf_account"].split("@")[0]]
        body = {"client_id": session["id"], "type": "text", "text": "您好，已经帮您查询，请稍等。"}
        _api("POST", f"/sessions/{session['id']}/messages", token, body)
    sessions = _api("GET", "/sessions?state=SERVING", admin)
    chosen = sessions[-1]
    _says(chosen["openid"], "好的，谢谢！")
    whisper = {"text": "这位是老客户，可以送一张优惠券。"}
    _api("POST", f"/sessions/{chosen['id']}/whisper", admin, whisper)
    closed = sessions[1]
    _api("POST", f"/sessions/{closed['id']}/close", admin, {"reason": "重复咨询"})
    time.sleep(SERIES_S)
    return str(chosen["id"])


def _says(openid: str, text: str) -> None:
    base = f"{demo.URL}/sim/api/followers"
    requests.post(base, json={"openid": openid}, timeout=TIMEOUT_S)
    body = {"type": "text", "content": text}
    requests.post(f"{base}/{openid}/messages", json=body, timeout=TIMEOUT_S).raise_for_status()


def _token(username: str, passwords: dict[str, str]) -> str:
    body = {"username": username, "password": passwords[username]}
    token: str = _api("POST", "/tokens", "", body)["access_token"]
    return token


def _api(method: str, path: str, token: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{demo.URL}/api/v1{path}"
    answer = requests.request(method, url, json=body, headers=headers, timeout=TIMEOUT_S)
    answer.raise_for_status()
    return answer.json()["data"]


if __name__ == "__main__":
    sys.exit(main())
