"""A node with an official account and a mini program, and the platform of both."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
from pydantic import SecretStr

from app import wiring
from app.edge.server import create_app
from app.node.context import NodeContext
from app.services import Services
from config.settings import load_settings
from simulator.config import SimAccount, SimulatorConfig
from simulator.web import create_simulator
from tests.api.conftest import PASSWORD, Running
from tests.passwords import cheap_passwords
from tests.servers import PrivateRedis
from tests.support import free_port

KEY = "A" * 43
DATABASE = 15


@dataclass
class House:
    """One node with two accounts, and the platform of both."""

    base: str
    platform: str
    shop: str
    mini: str
    services: Services
    token: str = ""

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> requests.Response:
        headers = {"Authorization": f"Bearer {token or self.token}"} if token or self.token else {}
        url = f"{self.base}/api/v1{path}"
        return requests.request(method, url, json=body, headers=headers, timeout=20)

    def data(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        answer = self.call(method, path, body, token)
        assert answer.ok, answer.text
        return answer.json()["data"]

    def sign_in(self, username: str) -> str:
        body = {"username": username, "password": PASSWORD}
        token: str = self.data("POST", "/tokens", body)["access_token"]
        return token

    def agent(self, appid: str, username: str) -> str:
        """A kf account with the prefix ``amy``, whoever the person is; his token."""
        body = {"kf_account": "amy", "nickname": "Amy", "username": username, "password": PASSWORD}
        self.data("POST", f"/admin/kf-accounts?appid={appid}", body)
        token = self.sign_in(username)
        self.data("PUT", "/me/presence", {"status": "online"}, token)
        return token

    def pushes(self, appid: str, openid: str, **spec: Any) -> dict[str, Any]:
        url = f"{self.platform}/sim/api/followers/{openid}/messages?appid={appid}"
        answer = requests.post(url, json=spec, timeout=20)
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def heard(self, appid: str, openid: str) -> list[str]:
        """What the customer got through custom/send."""
        url = f"{self.platform}/sim/api/followers/{openid}/transcript?appid={appid}"
        rows = requests.get(url, timeout=20).json()["data"]
        return [r["text"] for r in rows if r["direction"] == "out" and not r.get("passive")]

    def calls(self, path: str) -> list[dict[str, Any]]:
        rows = requests.get(f"{self.platform}/sim/api/requests", timeout=20).json()["data"]
        return [row for row in rows if row["path"] == path]


@pytest.fixture
def house(redis_server: PrivateRedis, tmp_path: Path, appid: str) -> Iterator[House]:
    port, shop, mini = free_port(), appid, f"{appid}m"
    accounts, sims = [], []
    for name, kind in ((shop, "official"), (mini, "miniprogram")):
        wechat_id = f"{kind}_id"
        accounts.append(
            f'[[accounts]]\nappid = "{name}"\napp_secret = "secret-{kind}"\ntoken = "AAAAA"\n'
            f'encoding_aes_key = "{KEY}"\nwechat_id = "{wechat_id}"\nkind = "{kind}"\n'
        )
        sims.append(
            SimAccount(
                appid=name,
                secret=f"secret-{kind}",
                token="AAAAA",
                encoding_aes_key=KEY,
                wechat_id=wechat_id,
                callback_url=f"http://127.0.0.1:{port}/wechat/callback/{name}",
                kind=kind,
            )
        )
    file = tmp_path / "accounts.toml"
    file.write_text("\n".join(accounts))
    platform = Running(create_simulator(SimulatorConfig(accounts=tuple(sims))))
    url = redis_server.url.replace("/0", f"/{DATABASE}")
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    settings = load_settings(
        {
            "KF_ACCOUNTS_FILE": str(file),
            "KF_WECHAT_API_BASE": platform.base,
            "KF_REDIS_URL": url,
            "KF_DATA_DIR": str(tmp_path),
            "KF_LOG_LEVEL": "error",
            "KF_ADMIN_PASSWORD": PASSWORD,
            "KF_SWEEP_S": "1",
            "KF_THREADS": "60",
            "KF_STREAMS_MAX": "20",
        },
        None,
    )
    context = NodeContext(
        redis_url=url,
        embedded=False,
        draining=threading.Event().is_set,
        base_url=f"http://127.0.0.1:{port}",
        demo=None,
        node_id=f"test-{time.monotonic_ns()}",
        secret_key=SecretStr("a-secret-key-of-the-test"),
        admin_password=SecretStr(PASSWORD),
    )
    services = wiring.build(settings, context, cheap_passwords())
    server = Running(create_app(services), port)
    made = House(server.base, platform.base, shop, mini, services)
    made.token = made.sign_in("admin")
    yield made
    server.stop()
    wiring.shutdown()
    platform.stop()
