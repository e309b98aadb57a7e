from __future__ import annotations

import threading
from pathlib import Path

from flask import Flask
from werkzeug.serving import make_server

from app.directory import bootstrap
from app.directory.people import PeopleDirectory
from app.node.context import DemoAccount
from app.storage import groups, kf_accounts, people
from app.storage.audit import acting
from app.storage.kf_accounts import KfAccount
from app.storage.sql import reading
from simulator.config import SimulatorConfig
from simulator.web import create_simulator, mount
from tests.directory.rig import (
    ADMIN_PASSWORD,
    AES_KEY,
    BOSS,
    SECRET,
    TOKEN,
    WECHAT_ID,
    Rig,
    directory,
    official_account,
)
from tests.support import wait_until


def account_rows(rig: Rig) -> dict[str, KfAccount]:
    with reading(rig.engine) as conn:
        return {row.kf_account: row for row in kf_accounts.everyone(conn, rig.account.appid)}


def test_the_default_groups_exist_and_fall_back_to_general_support(rig: Rig) -> None:
    with reading(rig.engine) as conn:
        found = {g.name: g.fallback for g in groups.everyone(conn, rig.account.appid)}
    assert found == {
        "general_support": None,
        "premium_support": "general_support",
        "retention_team": "general_support",
    }
    assert rig.account.fallback_of("premium_support") == "general_support"


def test_the_first_admin_gets_the_nodes_password_and_keeps_his_own_afterwards(rig: Rig) -> None:
    with reading(rig.engine) as conn:
        admin = people.by_sign_in_name(conn, "admin")
    assert admin is not None and admin.role == "admin"
    assert rig.passwords.verify(admin.password_hash, ADMIN_PASSWORD)
    changed = PeopleDirectory(rig.engine, rig.passwords, rig.services.logins)
    changed.reset_password(BOSS, admin.id, "another-password")
    bootstrap.prepare(rig.services)
    with reading(rig.engine) as conn:
        again = people.get(conn, admin.id)
    assert rig.passwords.verify(again.password_hash, "another-password")


def test_there_are_no_demo_agents_without_the_demo(rig: Rig) -> None:
    assert account_rows(rig) == {}


def demo_account(appid: str) -> DemoAccount:
    passwords = {"agent1": "demo-password-1", "agent2": "demo-password-2"}
    return DemoAccount(official_account(appid), passwords)


def test_the_demos_agents_are_registered_once_the_node_serves_its_own_simulator(
    tmp_path: Path, redis_url: str, appid: str
) -> None:
    node = Flask("node", static_folder=None)
    node.add_url_rule("/healthz", view_func=lambda: "ok")
    simulator = create_simulator(
        SimulatorConfig(
            appid=appid,
            secret=SECRET,
            token=TOKEN,
            encoding_aes_key=AES_KEY,
            wechat_id=WECHAT_ID,
        )
    )
    server = make_server("127.0.0.1", 0, mount(node.wsgi_app, simulator), threaded=True)
    base = f"http://127.0.0.1:{server.server_port}"
    with directory(tmp_path, redis_url, appid, base, demo_account(appid)) as rig:
        rows = account_rows(rig)
        assert {name: row.nickname for name, row in rows.items()} == {
            "agent1@shop_id": "客服小林",
            "agent2@shop_id": "客服小周",
        }
        assert {row.platform for row in rows.values()} == {"local"}
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            wait_until(
                lambda: {r.platform for r in account_rows(rig).values()} == {"registered"}, 20
            )
            wait_until(lambda: getattr(rig.seat("agent2@shop_id"), "platform", "") == "registered")
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def test_a_demo_agent_an_admin_removed_does_not_come_back(
    tmp_path: Path, redis_url: str, appid: str
) -> None:
    with directory(tmp_path, redis_url, appid, "http://127.0.0.1:9", demo_account(appid)) as rig:
        people_directory = PeopleDirectory(rig.engine, rig.passwords, rig.services.logins)
        demo = rig.services.node.demo
        assert demo is not None
        with reading(rig.engine) as conn:
            agent = people.by_sign_in_name(conn, "agent1")
        assert agent is not None
        assert rig.passwords.verify(agent.password_hash, "demo-password-1")
        with acting(rig.engine) as conn:
            kf_accounts.remove(conn, BOSS, appid, "agent1@shop_id")
        bootstrap.ensure_demo(rig.services, people_directory, demo)
        assert list(account_rows(rig)) == ["agent2@shop_id"]
