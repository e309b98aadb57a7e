"""A pretend platform, a private Redis and an API client between them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from urllib3 import PoolManager

from app.wechat.api import WeChatApi, new_http
from app.wechat.tokens import TokenService
from tests.servers import PrivateRedis
from tests.wechat.platform import Platform, running_platform
from tests.wechat.pushes import account

TOKENS_DB = 15


@pytest.fixture
def platform() -> Iterator[Platform]:
    with running_platform() as running:
        yield running


@pytest.fixture
def http() -> Iterator[PoolManager]:
    with new_http() as opened:
        yield opened


@pytest.fixture
def store(redis_server: PrivateRedis) -> Iterator[redis.Redis]:
    """A database of the shared server that no other test uses: token keys are the appid's own."""
    with redis.Redis(port=redis_server.port, db=TOKENS_DB) as client:
        client.flushdb()
        yield client


class FixedTokens:
    """Tokens without Redis: ``renew`` gives the next one."""

    def __init__(self) -> None:
        self.count = 1
        self.renewed: list[str] = []

    def current(self) -> str:
        return f"token-{self.count}"

    def renew(self, failed: str) -> str:
        self.renewed.append(failed)
        self.count += 1
        return self.current()


@pytest.fixture
def fixed_tokens() -> FixedTokens:
    return FixedTokens()


@pytest.fixture
def api(platform: Platform, http: PoolManager, fixed_tokens: FixedTokens) -> WeChatApi:
    return WeChatApi(account(), fixed_tokens, platform.base_url, http)


@pytest.fixture
def tokens(store: redis.Redis, platform: Platform, http: PoolManager) -> TokenService:
    return TokenService(store, account(), platform.base_url, http)
