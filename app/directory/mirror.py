"""The mirror of kf accounts in Redis, for the hot path, written at the start and at every change.

A change commits to SQL first, then mirrors. The mirror reads SQL again after each write until nothing
differs, so that of two concurrent changes the later one remains, on any number of nodes.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import structlog

from app.account import Account
from app.conversations.seating import drain
from app.conversations.transfers import give_up_all
from app.refusals import Refusal
from app.storage import kf_accounts
from app.storage.audit import Actor, acting
from app.storage.errors import Missing
from app.storage.kf_accounts import KfAccount
from app.storage.sql import Engine, StorageError, reading
from app.wechat.errors import reason
from sessions.model import SessionError

ROUNDS: Final = 5
SYSTEM: Final = "system"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The wanted state of a kf_account in Redis. ``row`` None: it is absent."""

    kf_account: str
    row: KfAccount | None

    @property
    def serves(self) -> bool:
        return self.row is not None and not self.row.disabled


def everyone(engine: Engine, account: Account) -> None:
    """Mirror all kf accounts of an official account. Raises StorageError, SessionError."""
    done: dict[str, _Wanted] = {}
    for _ in range(ROUNDS):
        wanted = _wanted(engine, account)
        changed = [w for name, w in wanted.items() if done.get(name) != w]
        if not changed:
            break
        for one_wanted in changed:
            _apply(account, one_wanted)
        done = wanted
    for one_wanted in done.values():
        if not one_wanted.serves:
            _release(account, one_wanted)


def one(engine: Engine, account: Account, kf_account: str) -> None:
    """Mirror one kf_account after a change, and move its conversations if it serves no longer."""
    done: _Wanted | None = None
    for _ in range(ROUNDS):
        wanted = _Wanted(kf_account, _row(engine, account.appid, kf_account))
        if wanted == done:
            break
        _apply(account, wanted)
        done = wanted
    account.attendance.refresh()
    if done and not done.serves:
        _release(account, done)


def several(engine: Engine, account: Account, kf_accounts: Iterable[str]) -> None:
    """Mirror several kf accounts, whose groups changed together."""
    for kf_account in sorted(kf_accounts):
        one(engine, account, kf_account)
        agent = account.attendance.agent(kf_account)
        if agent and agent.serving:
            drain(account, kf_account)


def speaker_refused(engine: Engine, account: Account, kf_account: str, errcode: int) -> None:
    """Mark a kf account that the platform does not let speak as ``local``, with the reason in words.

    Later replies are sent in the official account's name, and the admin sees why. It never raises.
    """
    try:
        _make_local(engine, account.appid, kf_account, errcode)
        one(engine, account, kf_account)
    except (StorageError, SessionError, Missing, Refusal) as error:
        log.warning("speaker_not_marked", kf_account=kf_account, error=str(error))
    else:
        log.warning("speaker_refused", kf_account=kf_account, errcode=errcode)


def _make_local(engine: Engine, appid: str, kf_account: str, errcode: int) -> None:
    actor = Actor(SYSTEM, SYSTEM, int(time.time() * 1000))
    changes = {"platform": "local", "platform_note": reason(errcode)}
    with acting(engine) as conn:
        if kf_accounts.get(conn, appid, kf_account).platform != "local":
            kf_accounts.update(conn, actor, appid, kf_account, changes)


def _wanted(engine: Engine, account: Account) -> dict[str, _Wanted]:
    """Return the wanted state of every name in SQL or Redis."""
    with reading(engine) as conn:
        rows = {row.kf_account: row for row in kf_accounts.everyone(conn, account.appid)}
    names = {*rows, *(seat.kf_account for seat in account.seats.all())}
    return {name: _Wanted(name, rows.get(name)) for name in sorted(names)}


def _row(engine: Engine, appid: str, kf_account: str) -> KfAccount | None:
    try:
        with reading(engine) as conn:
            return kf_accounts.get(conn, appid, kf_account)
    except Missing:
        return None


def _apply(account: Account, wanted: _Wanted) -> None:
    row = wanted.row
    if row is not None and not row.disabled:
        ramp_ms = _ramp_ms(account, row)
        account.seats.put(
            row.kf_account, row.nickname, row.max_sessions, row.groups, row.platform, ramp_ms
        )
    elif account.seats.read([wanted.kf_account]):
        account.seats.disable(wanted.kf_account)


def _ramp_ms(account: Account, row: KfAccount) -> int:
    """Return the longest ramp of the agent's groups in milliseconds."""
    plan = account.plan()
    groups = row.groups or (plan.routing.default_group,)
    return 1000 * max(plan.group(name).ramp_s for name in groups)


def _release(account: Account, wanted: _Wanted) -> None:
    """Re-route the conversations of an agent who serves no longer; then delete a removed one."""
    give_up_all(account, wanted.kf_account, "agent_disabled")
    if wanted.row is None and not account.seats.held(wanted.kf_account):
        account.seats.remove(wanted.kf_account)
