from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.directory.rig import Platform, Rig, directory
from tests.servers import PrivateRedis


@pytest.fixture
def redis_url(redis_server: PrivateRedis) -> str:
    """The shared server, emptied: persons of every test are numbered from 1."""
    with Redis.from_url(redis_server.url) as client:
        client.flushdb()
    return redis_server.url


@pytest.fixture
def start_platform(appid: str) -> Iterator[Callable[..., Platform]]:
    running: list[Platform] = []

    def begin(**changes: Any) -> Platform:
        running.append(Platform(appid, **changes))
        return running[-1]

    yield begin
    for platform in running:
        platform.stop()


@pytest.fixture
def platform(start_platform: Callable[..., Platform]) -> Platform:
    return start_platform()


@pytest.fixture
def rig(
    tmp_path: Path, redis_url: str, appid: str, platform: Platform, database_url: str | None
) -> Iterator[Rig]:
    """A node on each database in turn."""
    with directory(tmp_path, redis_url, appid, platform.base, database_url=database_url) as made:
        yield made
