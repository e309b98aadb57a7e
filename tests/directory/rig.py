"""A whole directory on real stores: SQLite, Redis and the simulator over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from pydantic import SecretStr
from redis import Redis
from werkzeug.serving import BaseWSGIServer, make_server

from app.account import Account, Policy
from app.attendance import Attendance
from app.auth.logins import Logins
from app.auth.passwords import Passwords
from app.auth.throttle import Throttle
from app.events import DeskHub
from app.groups_cache import Fallbacks
from app.jobs import Jobs
from app.node import DemoAccount, NodeContext
from app.services import Served, Services
from app.storage import engine as engines
from app.storage.audit import Actor
from app.storage.migrate import migrate
from app.storage.notices import NoticeTexts, read_defaults
from app.tokens import TokenService
from app.wechat_out import WeChatApi, new_session
from config.accounts import OfficialAccount
from config.settings import Settings, load_settings
from routing.local import LocalPresence
from sessions.deadlines import Deadlines
from sessions.outbox import Outbox
from sessions.reading import Reading
from sessions.records import Records
from sessions.roster import Seat, SeatStore, Status
from sessions.scripts import Scripts
from sessions.sql import Engine
from sessions.store import SessionStore
from sessions.streams import DeskStream
from simulator.config import SimulatorConfig
from simulator.web import create_simulator

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
        self.http.close()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def official_account(appid: str, **changes: Any) -> OfficialAccount:
    values: dict[str, Any] = {
        "appid": appid,
        "app_secret": SecretStr(SECRET),
        "token": SecretStr(TOKEN),
        "encoding_aes_key": SecretStr(AES_KEY),
        "wechat_id": WECHAT_ID,
    }
    return OfficialAccount(**{**values, **changes})


def policy() -> Policy:
    return Policy(
        load_factor=1.25,
        queue_max=100,
        affinity_ms=86_400_000,
        reopen_ms=600_000,
        reply_budget=5,
        transfer_consent=False,
        transfer_ms=60_000,
        grace_ms=30_000,
        priority_credit_ms=60_000,
        opening_keys=frozenset(),
        rules=(),
        default_group="general_support",
        timezone="Asia/Shanghai",
    )


def settings_for(tmp_path: Path, appid: str, **more: str) -> Settings:
    variables = {
        "KF_APPID": appid,
        "KF_APP_SECRET": SECRET,
        "KF_TOKEN": TOKEN,
        "KF_ENCODING_AES_KEY": AES_KEY,
        "KF_WECHAT_ID": WECHAT_ID,
        "KF_DATA_DIR": str(tmp_path),
        **more,
    }
    return load_settings(variables, env_file=None)


@dataclass(frozen=True, slots=True)
class Rig:
    services: Services
    served: Served
    engine: Engine
    passwords: Passwords

    @property
    def account(self) -> Account:
        return self.served.account

    def sign_in(self, kf_account: str) -> None:
        """He is online and there."""
        self.account.attendance.stream_opened(kf_account)
        self.account.seats.set_status(kf_account, Status.ONLINE, refuse_while_holding=False)
        self.account.attendance.refresh()

    def seat(self, kf_account: str) -> Seat | None:
        found = self.account.seats.read([kf_account])
        return found[0] if found else None


def serve(
    config: OfficialAccount, redis: Redis, engine: Engine, session: requests.Session, base: str
) -> Served:
    scripts = Scripts(redis)
    appid = config.appid
    seats, reading = SeatStore(scripts, appid), Reading(redis, appid)
    stream = DeskStream(redis, redis, appid)
    attendance = Attendance(seats, LocalPresence(), "node", 30, "general_support")
    notices = NoticeTexts(engine, appid, read_defaults())
    store = SessionStore(scripts, appid, Deadlines(1_800_000, 86_400_000, 60_000), 60_000)
    account = Account(
        config=config,
        policy=policy(),
        store=store,
        seats=seats,
        outbox=Outbox(scripts, appid),
        reading=reading,
        stream=stream,
        records=Records(engine),
        attendance=attendance,
        notices=notices,
        fallback_of=Fallbacks(engine, appid),
        wake_sender=lambda: None,
    )
    attendance.on_joined = lambda kf: store.drain(kf, account.groups_of(kf))
    api = WeChatApi(config, TokenService(redis, config, base, session), base, session)
    return Served(account, api, DeskHub(appid, stream, reading), notices)


@contextmanager
def directory(
    tmp_path: Path, redis: Redis, appid: str, base: str, demo: DemoAccount | None = None
) -> Iterator[Rig]:
    settings = settings_for(tmp_path, appid)
    engine = engines.create(None, tmp_path)
    migrate(engine, tmp_path)
    config = demo.account if demo else official_account(appid)
    node = NodeContext(
        redis_url="",
        embedded=False,
        draining=lambda: False,
        base_url=base,
        demo=demo,
        node_id="node",
        secret_key=SecretStr("k" * 32),
        admin_password=SecretStr(ADMIN_PASSWORD),
    )
    with new_session() as session:
        served = serve(config, redis, engine, session, base)
        services = Services(
            settings=settings,
            node=node,
            redis=redis,
            engine=engine,
            served={appid: served},
            logins=Logins(redis, b"k" * 32),
            throttle=Throttle(redis),
            jobs=Jobs([], 5, works=False),
        )
        yield Rig(services, served, engine, Passwords())
        served.account.attendance.close()
    engine.dispose()
