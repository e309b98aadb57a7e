"""A whole node without its web server on real stores: a database, Redis and the simulator over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from pydantic import SecretStr
from werkzeug.serving import BaseWSGIServer, make_server

from app import wiring
from app.account import Account
from app.auth.passwords import Passwords
from app.node.context import DemoAccount, NodeContext
from app.services import Served, Services
from app.storage.audit import Actor
from app.storage.sql import Engine
from config.accounts import OfficialAccount
from config.settings import Settings, load_settings
from sessions.seats import Seat, Status
from simulator.config import SimulatorConfig
from simulator.web import create_simulator
from tests.databases import database_settings
from tests.passwords import cheap_passwords

SECRET, TOKEN, AES_KEY = "a-secret-of-32-characters-000001", "AAAAA", "A" * 43
WECHAT_ID = "shop_id"
ADMIN_PASSWORD = "admin-password"
BOSS = Actor("boss", "admin", 1_700_000_000_000, "10.0.0.1", "req-1")


class Platform:
    """The simulator in a thread."""

    def __init__(self, appid: str, **changes: Any) -> None:
        values: dict[str, Any] = {
            "appid": appid,
            "secret": SECRET,
            "token": TOKEN,
            "encoding_aes_key": AES_KEY,
            "wechat_id": WECHAT_ID,
        }
        app = create_simulator(SimulatorConfig(**{**values, **changes}))
        self.server: BaseWSGIServer = make_server("127.0.0.1", 0, app, threaded=True)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self.http = requests.Session()
        self.http.trust_env = False
        self.running = True
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self.thread.start()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self.http.request(method, self.base + path, json=body, timeout=10).json()

    def fault(self, **fault: Any) -> None:
        self.call("PUT", "/sim/api/faults", [fault])

    def mend(self) -> None:
        self.call("DELETE", "/sim/api/faults")

    def set(self, **changes: Any) -> None:
        self.call("PATCH", "/sim/api/account", changes)

    def calls(self, path: str) -> list[dict[str, Any]]:
        return list(self.call("GET", f"/sim/api/requests?path={path}")["data"])

    def stop(self) -> None:
        """Nobody answers there any more; calling it twice is once."""
        if not self.running:
            return
        self.running = False
        self.http.close()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def official_account(appid: str) -> OfficialAccount:
    return OfficialAccount(
        appid=appid,
        app_secret=SecretStr(SECRET),
        token=SecretStr(TOKEN),
        encoding_aes_key=SecretStr(AES_KEY),
        wechat_id=WECHAT_ID,
    )


def settings_for(tmp_path: Path, appid: str, base: str, **more: str) -> Settings:
    """``appid`` "" = the demo."""
    account = {
        "KF_APPID": appid,
        "KF_APP_SECRET": SECRET,
        "KF_TOKEN": TOKEN,
        "KF_ENCODING_AES_KEY": AES_KEY,
        "KF_WECHAT_ID": WECHAT_ID,
        "KF_WECHAT_API_BASE": base,
    }
    variables = {
        **(account if appid else {}),
        "KF_DATA_DIR": str(tmp_path),
        "KF_LOG_LEVEL": "error",
        "KF_THREADS": "60",
        "KF_STREAMS_MAX": "20",
        **more,
    }
    return load_settings(variables, env_file=None)


@dataclass(frozen=True, slots=True)
class Rig:
    services: Services
    served: Served

    @property
    def account(self) -> Account:
        return self.served.account

    @property
    def engine(self) -> Engine:
        return self.services.engine

    @property
    def passwords(self) -> Passwords:
        return self.services.passwords

    def sign_in(self, kf_account: str) -> None:
        """Set the agent online and present."""
        self.account.attendance.stream_opened(kf_account)
        self.account.seats.set_status(kf_account, Status.ONLINE, refuse_while_holding=False)
        self.account.attendance.refresh()

    def seat(self, kf_account: str) -> Seat | None:
        found = self.account.seats.read([kf_account])
        return found[0] if found else None


@contextmanager
def directory(
    tmp_path: Path,
    redis_url: str,
    appid: str,
    base: str,
    demo: DemoAccount | None = None,
    database_url: str | None = None,
) -> Iterator[Rig]:
    """A node whose platform is at ``base``; with ``demo`` the node itself is said to be there."""
    more = database_settings(database_url)
    settings = settings_for(tmp_path, "" if demo else appid, base, **more)
    node = NodeContext(
        redis_url=redis_url,
        embedded=False,
        draining=lambda: False,
        base_url=base,
        demo=demo,
        node_id="node",
        secret_key=SecretStr("k" * 32),
        admin_password=SecretStr(ADMIN_PASSWORD),
    )
    services = wiring.build(settings, node, cheap_passwords())
    try:
        yield Rig(services, services.served[appid])
    finally:
        wiring.shutdown()
