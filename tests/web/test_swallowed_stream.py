"""An event stream that the network swallows without closing it: noticed, replaced, trusted again."""

from __future__ import annotations

import copy
import re
import secrets
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.stories.proxy import Wire
from tests.support import wait_until
from tests.web.world import DemoNode, Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

STREAM = b"GET /api/v1/events"
NOTICED_S = 25.0
POLLED_S = 8.0
"""Five seconds between two fetches, and what a busy machine adds."""

BANNER = re.compile("实时推送没有送达")


@pytest.fixture
def wire(node: DemoNode) -> Iterator[Wire]:
    made = Wire(node.port)
    yield made
    made.stop()


@pytest.fixture
def behind(wire: Wire, node: DemoNode) -> DemoNode:
    """The same node as it is reached through the wire."""
    made = copy.copy(node)
    made.url = f"http://127.0.0.1:{wire.port}"
    return made


@pytest.mark.parametrize("lets_through_s", [0.0, 2.0], ids=["everything", "all but the greeting"])
def test_a_swallowed_stream_is_noticed_and_replaced_until_streams_come_through_again(
    wire: Wire, behind: DemoNode, desk: Callable[..., Desk], lets_through_s: float
) -> None:
    agent = desk(node=behind).sign_in("agent1").serve()
    stem = f"o{secrets.token_hex(12)[:23]}"
    row = lambda text: agent.page.locator(".row", has_text=text)  # noqa: E731
    banner = agent.page.get_by_text(BANNER)
    behind.says(f"{stem}anna", "推送还通")
    expect(row("推送还通")).to_have_count(1)
    expect(banner).to_have_count(0)

    wire.swallow(STREAM, lets_through_s)
    sent = time.monotonic()
    behind.says(f"{stem}anna", "推送断了")
    expect(row("推送断了")).to_have_count(1, timeout=NOTICED_S * 1000)
    expect(banner).to_be_visible(timeout=(sent + NOTICED_S - time.monotonic()) * 1000)
    for name in ("bert", "cora"):
        behind.says(f"{stem}{name}", f"轮询时的{name}")
        expect(row(f"轮询时的{name}")).to_have_count(1, timeout=POLLED_S * 1000)
    expect(banner).to_be_visible()

    wire.mend()
    expect(banner).to_have_count(0, timeout=90_000)
    behind.says(f"{stem}anna", "推送又通了")
    expect(row("推送又通了")).to_have_count(1)


def test_news_that_polling_brings_ring_like_those_of_the_stream(
    wire: Wire, behind: DemoNode, desk: Callable[..., Desk]
) -> None:
    agent = desk(node=behind).sign_in("agent1").serve()
    page = agent.page
    page.evaluate("window.rung = 0; addEventListener('kf:ring', () => { window.rung += 1; })")
    wire.swallow(STREAM)
    expect(page.get_by_text(BANNER)).to_be_visible(timeout=NOTICED_S * 1000)
    behind.says(f"o{secrets.token_hex(12)[:23]}anna", "有人吗")
    expect(page.locator(".row", has_text="有人吗")).to_have_count(1, timeout=POLLED_S * 1000)
    wait_until(lambda: page.evaluate("window.rung") == 1, POLLED_S)
