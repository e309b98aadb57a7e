"""Fixtures that every test may use: real servers once per run, a namespace of its own per test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Final

import pytest

from tests.databases import (
    database_url,
    databases,
    empty_url,
    engine,
    make_engine,
    sqlite_template,
)
from tests.servers import PrivateRedis, PrivateZooKeeper, redis_missing, zookeeper_missing
from tests.support import need

__all__ = [
    "database_url",
    "databases",
    "empty_url",
    "engine",
    "make_engine",
    "need",
    "sqlite_template",
]


SLOW: Final = (
    "admin",
    "commands",
    "e2e",
    "faults",
    "node",
    "security",
    "simulator",
    "stories",
    "web",
)
"""Folders whose files start nodes or browsers."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put slow files first, so that no core waits for the last of them at the end.

    By file name, which mixes the folders: some files compute, others mostly wait.
    """

    def rank(item: pytest.Item) -> tuple[bool, str]:
        return item.path.parent.name not in SLOW, item.path.name

    items.sort(key=rank)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRedis]:
    """A real Redis for tests that leave it running; its keys are shared, so use `appid`."""
    need(redis_missing())
    server = PrivateRedis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def zookeeper_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateZooKeeper]:
    """A real ZooKeeper for tests that leave it running; nodes are shared, so use `appid`."""
    yield from started_zookeeper(tmp_path_factory)


def started_zookeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateZooKeeper]:
    """What such a fixture yields, stopped afterwards."""
    need(zookeeper_missing())
    server = PrivateZooKeeper(tmp_path_factory.mktemp("zookeeper"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def appid() -> str:
    """An official account nobody else uses: the test's own namespace in Redis and ZooKeeper."""
    return "wx" + secrets.token_hex(8)
