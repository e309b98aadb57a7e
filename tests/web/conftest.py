"""The system's browser, and a demo node for the files of each worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.conftest import need
from tests.support import browser_path
from tests.web.world import SHOWN_MS, DemoNode, Desk

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = browser_path()
    need("" if path else "chromium is not installed")
    expect.set_options(timeout=SHOWN_MS)
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield made
        made.close()


def _started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoNode]:
    made = DemoNode(tmp_path_factory.mktemp("desk"))
    yield made.start()
    made.stop()


server = pytest.fixture(scope="package", name="server")(_started)
"""Shared by the files of a worker: a test makes customers and accounts of its own and restores settings."""
own_server = pytest.fixture(scope="module", name="server")(_started)
"""For a file whose tests look at everything there is: ``from tests.web.conftest import own_server``."""


@pytest.fixture
def node(server: DemoNode) -> DemoNode:
    server.clear()
    return server


@pytest.fixture
def desk(browser: Browser, node: DemoNode) -> Iterator[Callable[..., Desk]]:
    """Make desks, of another node where one is given; none may have complained in its console at the end."""
    made: list[Desk] = []

    def make(node: DemoNode = node, **context: Any) -> Desk:
        made.append(Desk(browser, node, **context))
        return made[-1]

    yield make
    complaints = [one.complaints for one in made]
    for one in made:
        one.close()
    assert complaints == [[] for _ in made]
