"""`make screenshots`: the README's and the desk's pictures, from a running demo and a browser.

Needs chromium and the development requirements; writes docs/images/*.png and docs/images/desk/*.png.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import desk_grid
from playwright.sync_api import Browser, Frame, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
PORT = int(os.environ.get("PORT", "8899"))
URL = f"http://127.0.0.1:{PORT}"
START_S = 60
SETTLE_MS = 800
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1"]


def main() -> int:
    chromium = browser_path()
    if chromium is None:
        sys.stderr.write("screenshots: chromium is not installed\n")
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kfring-") as folder:
        server = _start(Path(folder))
        try:
            passwords = _wait(server, Path(folder))
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
                _demo(browser, passwords)
                _console(browser, passwords)
                desk_grid.draw(browser, URL, passwords["agent1"], IMAGES / "desk")
        finally:
            server.terminate()
            server.wait(30)
    return 0


def browser_path() -> str | None:
    """The system's browser, None where there is none."""
    names = ("chromium", "chromium-browser", "chromium-headless-shell")
    return next(filter(None, map(shutil.which, names)), None)


def _demo(browser: Browser, passwords: dict[str, str]) -> None:
    """Phone beside desk, in the middle of a conversation."""
    page = browser.new_page(viewport={"width": 1400, "height": 820}, locale="zh-CN")
    page.goto(f"{URL}/demo")
    phone, desk = _frame(page, "/phone"), _frame(page, "/desk")
    _sign_in(desk, "agent1", passwords)
    desk.get_by_role("button", name="开始接待").click()
    desk.get_by_role("button", name="小休").wait_for()
    _says(phone, "您好，我昨天买的雨衣什么时候发货？")
    desk.locator(".row-open").first.click()
    _answers(desk, phone, "您好，已为您查到订单，今天下午发货。")
    _says(phone, "太好了，能改成蓝色吗？")
    _answers(desk, phone, "可以的，已为您改成蓝色，请放心。")
    phone.locator("#more").click()
    phone.locator("#panel").get_by_text("示例图片").click()
    phone.locator("#more").click()
    desk.locator(".thread .picture img").wait_for()
    phone.get_by_role("tab", name="客户B").click()
    _says(phone, "请问可以开发票吗？")
    desk.locator(".row", has_text="请问可以开发票吗").wait_for()
    phone.get_by_role("tab", name="客户A").click()
    phone.locator("img.picture").wait_for()
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=IMAGES / "demo.png")
    page.close()


def _console(browser: Browser, passwords: dict[str, str]) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{URL}/admin")
    _sign_in(page.main_frame, "admin", passwords)
    page.locator(".figure").first.wait_for()
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=IMAGES / "admin.png")
    context.close()


def _sign_in(frame: Frame, username: str, passwords: dict[str, str]) -> None:
    frame.get_by_label("用户名").fill(username)
    frame.get_by_label("密码").fill(passwords[username])
    frame.get_by_role("button", name="登录").click()


def _says(phone: Frame, text: str) -> None:
    phone.locator("#text").fill(text)
    phone.locator("#send").click()
    phone.locator(".bubble", has_text=text).wait_for()


def _answers(desk: Frame, phone: Frame, text: str) -> None:
    desk.get_by_label("回复客户").fill(text)
    desk.get_by_label("回复客户").press("Enter")
    phone.locator(".bubble", has_text=text).wait_for()


def _frame(page: Page, path: str) -> Frame:
    page.frame_locator(f"iframe[src='{path}']").locator("body").wait_for()
    return next(frame for frame in page.frames if frame.url == URL + path)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KF_")}
    env = kept | {"PORT": str(PORT), "KF_DATA_DIR": str(folder / "data")}
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "wsgi.py", "serve"], cwd=ROOT, env=env, stdout=log, stderr=log
        )


def _wait(server: subprocess.Popen[bytes], folder: Path) -> dict[str, str]:
    """The printed logins, once the server answers."""
    for _ in range(START_S * 5):
        text = (folder / "server.log").read_text("utf-8", "replace")
        if server.poll() is not None:
            raise SystemExit(text)
        if "Ctrl-C stops" in text:
            urllib.request.urlopen(f"{URL}/healthz", timeout=10).close()
            return dict(re.findall(r"^  (agent1|agent2|admin)\s+(\S+)$", text, re.MULTILINE))
        time.sleep(0.2)
    raise SystemExit("screenshots: the server did not start")


if __name__ == "__main__":
    sys.exit(main())
