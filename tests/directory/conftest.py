from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.directory.rig import Platform, Rig, directory
from tests.servers import PrivateRedis

DIRECTORY_DB = 9


@pytest.fixture
def store(redis_server: PrivateRedis) -> Iterator[Redis]:
    """A database of the shared server for tests that number persons from 1."""
    with Redis(port=redis_server.port, db=DIRECTORY_DB, decode_responses=True, protocol=2) as made:
        made.flushdb()
        yield made


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
def rig(tmp_path: Path, store: Redis, appid: str, platform: Platform) -> Iterator[Rig]:
    with directory(tmp_path, store, appid, platform.base) as made:
        yield made
