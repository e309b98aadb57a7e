"""Bring our kf accounts in line with WeChat's list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.account import Account
from app.directory import mirror
from app.directory.kf_platform import KfPlatform, Listed, PlatformState
from app.services import Served, Services
from app.storage import kf_accounts
from app.storage.audit import Actor, acting, record
from app.storage.errors import Invalid
from app.storage.kf_accounts import KfAccount, NewKfAccount
from app.storage.sql import Engine, reading

GONE: Final = "微信侧没有此客服账号"


@dataclass(frozen=True, slots=True)
class Synced:
    """Names of kf accounts by what the sync did; ``missing`` and ``registered`` are at WeChat.

    ``skipped`` are names in WeChat's list that cannot be stored here, as printable text.
    """

    imported: tuple[str, ...]
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    registered: tuple[str, ...]
    skipped: tuple[str, ...]


class KfSync:
    """Sync for one official account. Raises Refusal as KfPlatform does, and the stores' errors."""

    def __init__(self, services: Services, served: Served) -> None:
        self._engine: Engine = services.engine
        self._account: Account = served.account
        self._platform = KfPlatform(served.api, services.redis)
        self._default_sessions = services.settings.max_sessions

    def run(self, actor: Actor, *, fresh: bool, register_local: bool = False) -> Synced:
        """Import kf accounts that exist only at WeChat, and mark as ``local`` those that it lost.

        ``register_local`` also creates at WeChat those that exist only here.
        """
        listed = {row.kf_account: row for row in self._platform.listed(fresh=fresh)}
        registered = self._register(listed) if register_local else {}
        with acting(self._engine) as conn:
            appid = self._account.appid
            ours = {row.kf_account: row for row in kf_accounts.everyone(conn, appid)}
            imported, skipped = list[str](), list[str]()
            for name, row in listed.items():
                if name in ours:
                    continue
                try:
                    imported.append(kf_accounts.create(conn, actor, self._imported(row)).kf_account)
                except Invalid:
                    skipped.append(_printable(name))
            changes = dict(_changes(ours.values(), listed, registered))
            for name, columns in changes.items():
                kf_accounts.update(conn, actor, appid, name, columns)
            done = Synced(
                tuple(imported),
                tuple(name for name in changes if name in listed),
                tuple(name for name, c in changes.items() if c.get("platform_note") == GONE),
                tuple(registered),
                tuple(skipped),
            )
            detail = {"imported": imported, "missing": list(done.missing), "skipped": skipped}
            record(conn, actor, "kf_account.sync", appid, detail)
        for name in (*done.imported, *changes):
            mirror.one(self._engine, self._account, name)
        return done

    def _register(self, listed: Mapping[str, Listed]) -> dict[str, PlatformState]:
        with reading(self._engine) as conn:
            rows = kf_accounts.everyone(conn, self._account.appid)
        made: dict[str, PlatformState] = {}
        for row in rows:
            if row.platform == "local" and row.kf_account not in listed:
                made[row.kf_account] = self._platform.create(row.kf_account, row.nickname)
                self._platform.settled(row.kf_account)
        return made

    def _imported(self, row: Listed) -> NewKfAccount:
        return NewKfAccount(
            self._account.appid,
            row.kf_account,
            row.nickname,
            self._default_sessions,
            row.platform,
            kf_id=row.kf_id,
            avatar=row.avatar,
        )


def _printable(name: str) -> str:
    """Return a name that cannot be used as text for a page, "?" for an empty one."""
    return "".join(c if c.isprintable() else "\ufffd" for c in name) or "?"


def _changes(
    ours: Iterable[KfAccount], listed: Mapping[str, Listed], registered: Mapping[str, PlatformState]
) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield (name, columns) for each kf account that differs from WeChat's list."""
    for row in ours:
        there = listed.get(row.kf_account)
        if there is not None:
            wanted = PlatformState(there.platform).columns()
            wanted |= {"kf_id": there.kf_id, "avatar": there.avatar}
        elif row.kf_account in registered:
            wanted = registered[row.kf_account].columns()
        elif row.platform != "local":
            wanted = PlatformState("local", GONE).columns()
        else:
            continue
        columns = {name: value for name, value in wanted.items() if getattr(row, name) != value}
        if columns:
            yield row.kf_account, columns
