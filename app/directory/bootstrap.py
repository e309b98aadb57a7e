"""Preparation of a node before it serves: default groups, the first admin, the demo's agents.

All of it may run at every start and concurrently on several nodes. It restores nothing that an admin
changed or removed.
"""

from __future__ import annotations

import secrets
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.auth.password_rules import WeakPassword
from app.auth.roles import AGENT
from app.directory.demo import register_in_background
from app.directory.people import PeopleDirectory, Registration
from app.node.context import DemoAccount, StartError
from app.node.generated import ADMIN_MADE, mark_admin
from app.services import Services
from app.storage import groups, kf_accounts, people, values
from app.storage.audit import Actor, acting
from app.storage.errors import Invalid, Missing, Taken
from app.storage.groups import Group
from app.storage.kf_accounts import NewKfAccount
from app.storage.sql import StorageConflict, StorageError, reading, writing
from routing.rules import BadRule
from sessions.model import SessionError
from sessions.store.layout import check_database

DATABASE_ID: Final = "database_id"
ROUTING_FILE: Final = Path(__file__).resolve().parents[2] / "config" / "routing.toml"


@dataclass(frozen=True, slots=True)
class DemoAgent:
    """An agent of the demo. The username is also the prefix of the kf_account."""

    username: str
    nickname: str


DEMO_AGENTS: Final = (DemoAgent("agent1", "客服小林"), DemoAgent("agent2", "客服小周"))


def prepare(services: Services) -> None:
    """Create what is missing, then read the live values. Raises StartError."""
    directory = PeopleDirectory(services.engine, services.passwords, services.logins)
    try:
        check_one_database(services)
        ensure_groups(services, default_groups())
        ensure_first_admin(services, directory)
        if services.node.demo is not None:
            ensure_demo(services, directory, services.node.demo)
        for served in services.served.values():
            served.notices.reload()
            served.plans.reload()
    except (StorageError, SessionError, Invalid, Missing, BadRule) as error:
        raise StartError(f"the directory cannot be prepared: {error}") from None
    if services.node.demo is not None:
        register_in_background(services, services.node.demo)


def check_one_database(services: Services) -> None:
    """Refuse a Redis that mirrors another database. Raises OtherDatabase."""
    with writing(services.engine) as conn:
        database = values.put_once(conn, DATABASE_ID, secrets.token_hex(8))
    alone = services.settings.zookeeper_hosts is None
    for appid in services.served:
        check_database(services.redis, appid, database, alone=alone)


def ensure_first_admin(services: Services, directory: PeopleDirectory) -> None:
    """Create the first admin, and record if they got the generated password, the only one that is printed."""
    password = services.node.admin_password.get_secret_value()
    try:
        made = directory.ensure_first_admin(_now_ms(), password)
    except WeakPassword as error:
        raise StartError(f"KF_ADMIN_PASSWORD: {error}") from None
    if made and services.settings.admin_password is None:
        mark_admin(services.settings.data_dir, ADMIN_MADE)


def default_groups(path: Path = ROUTING_FILE) -> Mapping[str, Mapping[str, Any]]:
    """Return the shipped groups by name, each with ``title`` and perhaps ``fallback``."""
    tables: Mapping[str, Mapping[str, Any]] = tomllib.loads(path.read_text("utf-8"))["groups"]
    return tables


def ensure_groups(services: Services, tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Insert the groups that an account lacks, those without a fallback first."""
    in_order = sorted(tables.items(), key=lambda item: item[1].get("fallback", ""))
    now_ms = _now_ms()
    with writing(services.engine) as conn:
        for appid in services.served:
            for name, table in in_order:
                group = Group(appid, name, table["title"], table.get("fallback"))
                groups.ensure(conn, group, now_ms)


def ensure_demo(services: Services, directory: PeopleDirectory, demo: DemoAccount) -> None:
    """Create each agent of the demo once per database, ``local`` until the simulator registers them."""
    actor = Actor("system", "system", _now_ms())
    for agent in DEMO_AGENTS:
        appid, kf_account = demo.account.appid, f"{agent.username}@{demo.account.wechat_id}"
        wish = Registration(
            agent.username,
            AGENT,
            demo.passwords[agent.username],
            agent.nickname,
            appid,
            kf_account,
        )
        new_account = NewKfAccount(
            appid, kf_account, agent.nickname, services.settings.max_sessions
        )
        with reading(services.engine) as conn:
            rows = kf_accounts.everyone(conn, appid, removed=True)
        if any(row.kf_account == kf_account for row in rows):
            continue
        person, _ = directory.prepare(wish)
        try:
            with acting(services.engine) as conn:
                kf_accounts.create(conn, actor, new_account)
                people.create(conn, actor, person)
        except (Taken, StorageConflict):
            continue


def _now_ms() -> int:
    return int(time.time() * 1000)
