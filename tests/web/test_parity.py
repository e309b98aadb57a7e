"""The promise of the event stream: applying events leaves the same state as fetching everything again."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from simulator.samples import png
from tests.support import wait_until
from tests.web.conftest import own_server as own_server
from tests.web.world import DemoNode, Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

Desks = Callable[..., Desk]

DIFFERENCE = """async () => {
  const base = document.querySelector("script[src*='desk/main.js']").src.replace("desk/main.js", "");
  const { state } = await import(`${base}shared/store.js`);
  const { get, getAll } = await import(`${base}shared/api.js`);
  const lists = await Promise.all([
    getAll("/sessions?mine=1&limit=199"), getAll("/sessions?state=WAITING&limit=199"),
    get("/sessions?state=CLOSED&mine=1&limit=49"),
  ]);
  const fresh = Object.fromEntries(lists.flat().map((one) => [one.id, one]));
  const known = Object.fromEntries(Object.entries(state.value.sessions).filter(([, one]) => !one.departed));
  const wrong = [];
  for (const id of new Set([...Object.keys(fresh), ...Object.keys(known)])) {
    for (const name of new Set([...Object.keys(fresh[id] ?? {}), ...Object.keys(known[id] ?? {})])) {
      const [here, there] = [JSON.stringify(known[id]?.[name]), JSON.stringify(fresh[id]?.[name])];
      if (here !== there) wrong.push(`${id}.${name}: ${here} but ${there}`);
    }
    if (!state.value.messages[id]) continue;
    const messages = await get(`/sessions/${id}/messages?after=0&limit=199`);
    const held = state.value.messages[id].list;
    if (JSON.stringify(held) !== JSON.stringify(messages)) wrong.push(`${id}: messages differ`);
  }
  return wrong.slice(0, 5);
}"""


class Watched:
    """A desk whose state is compared with a fresh fetch after every step."""

    def __init__(self, agent: Desk) -> None:
        self.agent = agent
        self.fetched: list[str] = []
        self.agent.page.wait_for_timeout(1_000)
        agent.page.on("request", self._note)

    def _note(self, request: Any) -> None:
        if "limit=200" in request.url and "/sessions?" in request.url:
            self.fetched.append(request.url)

    def agrees(self, step: str) -> None:
        last: list[str] = []

        def same() -> bool:
            last[:] = self.agent.page.evaluate(DIFFERENCE)
            return not last

        try:
            wait_until(same, timeout=8)
        except AssertionError:
            raise AssertionError(f"after {step}: {last}") from None
        assert self.fetched == [], f"after {step} the desk fetched its lists"


@pytest.fixture
def anna() -> str:
    """A customer nobody has met, shown as 客户anna."""
    return f"o{secrets.token_hex(12)[:23]}anna"


def test_events_leave_what_a_fresh_fetch_would(desk: Desks, node: DemoNode, anna: str) -> None:
    agent = desk().sign_in("agent1").serve()
    watched = Watched(agent)
    node.says(anna, "您好")
    watched.agrees("a new conversation")
    agent.open("您好")
    watched.agrees("opening and reading it")
    agent.write("您好，请讲")
    agent.page.locator(".sent").wait_for()
    watched.agrees("a reply that was sent")
    node.says(anna, "", type="image")
    agent.page.locator(".thread .picture img").wait_for()
    watched.agrees("a picture fetched from WeChat")
    picture = {"name": "a.png", "mimeType": "image/png", "buffer": png()}
    agent.page.get_by_label("发送图片").set_input_files([picture])
    wait_until(lambda: [row["type"] for row in node.received(anna)][-1:] == ["image"])
    watched.agrees("a picture sent")
    node.faults({"path": "/cgi-bin/message/custom/send", "errcode": 45166, "count": 1})
    agent.write("被拒绝的话")
    agent.page.get_by_role("button", name="重发").click()
    wait_until(lambda: "被拒绝的话" in node.texts(anna))
    watched.agrees("a refused reply sent again")
    agent.page.get_by_role("button", name="结束会话").click()
    agent.page.get_by_role("dialog").get_by_role("button", name="结束会话").click()
    watched.agrees("closing")
    menu = next(row for row in node.received(anna) if row["type"] == "msgmenu")
    node.says(anna, menu["list"][2]["content"], menu_id=menu["list"][2]["id"])
    watched.agrees("the customer's rating")


def test_queue_take_and_transfer_leave_what_a_fresh_fetch_would(
    desk: Desks, node: DemoNode, anna: str
) -> None:
    agent = desk().sign_in("agent1").serve()
    agent.page.get_by_role("button", name="小休").click()
    bert = anna.replace("anna", "bert")
    watched = Watched(agent)
    node.says(anna, "排第一")
    node.says(bert, "排第二")
    watched.agrees("two who wait")
    agent.page.get_by_role("tab", name="排队中").click()
    agent.page.get_by_role("button", name="在线", exact=True).click()
    agent.page.get_by_role("tab", name="接待中").click()
    agent.open("排第一")
    watched.agrees("both taken")
    desk().sign_in("agent2").serve()
    agent.page.get_by_role("button", name="转接", exact=True).click()
    dialog = agent.page.get_by_role("dialog")
    dialog.get_by_role("radio").first.check()
    dialog.get_by_role("button", name="转接", exact=True).click()
    agent.page.get_by_text("这个会话已由其他客服接待").wait_for()
    watched.agrees("a transfer")
