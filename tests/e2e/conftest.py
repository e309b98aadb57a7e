"""A platform and a node on the embedded default for each module, fresh data for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.world import ADMIN_PASSWORD, Caller, Credentials, Node, Platform


@pytest.fixture
def credentials() -> Credentials:
    return Credentials()


@pytest.fixture
def platform(credentials: Credentials) -> Iterator[Platform]:
    made = Platform(credentials)
    yield made
    made.stop()


@pytest.fixture
def node(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    credentials: Credentials,
    platform: Platform,
) -> Iterator[Node]:
    """Settings for the node: ``@pytest.mark.parametrize("node", [{"KF_…": "…"}], indirect=True)``."""
    env = getattr(request, "param", {})
    made = Node(tmp_path_factory.mktemp("node"), credentials, platform, **env)
    yield made.start()
    made.stop()


@pytest.fixture
def admin(node: Node) -> Caller:
    return Caller(node.url, "admin", ADMIN_PASSWORD)
