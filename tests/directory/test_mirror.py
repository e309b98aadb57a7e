from __future__ import annotations

from app.directory import mirror
from app.plan.plans import Plans
from app.storage import audit, groups, kf_accounts
from app.storage.audit import acting
from app.storage.groups import Group
from app.storage.kf_accounts import NewKfAccount
from app.storage.sql import reading, writing
from sessions.seats import Status
from tests.directory.rig import BOSS, Rig
from tests.support import wait_until


def add(rig: Rig, name: str, seats: int = 5, platform: str = "registered") -> str:
    kf_account = f"{name}@shop_id"
    appid = rig.account.appid
    with acting(rig.engine) as conn:
        new = NewKfAccount(appid, kf_account, name, seats, platform)
        kf_accounts.create(conn, BOSS, new)
    return kf_account


def change(rig: Rig, kf_account: str, **changes: object) -> None:
    with acting(rig.engine) as conn:
        kf_accounts.update(conn, BOSS, rig.account.appid, kf_account, changes)


def test_every_enabled_account_of_sql_is_in_redis_after_the_start(rig: Rig) -> None:
    amy, bob = add(rig, "amy", 3), add(rig, "bob")
    change(rig, bob, disabled=True)
    mirror.everyone(rig.engine, rig.account)
    seats = {seat.kf_account: seat for seat in rig.account.seats.all()}
    assert seats[amy].seats == 3 and seats[amy].enabled and seats[amy].platform == "registered"
    assert bob not in seats


def test_the_start_forgets_what_sql_no_longer_has_and_disables_what_it_disabled(rig: Rig) -> None:
    amy, bob = add(rig, "amy"), add(rig, "bob")
    mirror.everyone(rig.engine, rig.account)
    change(rig, bob, disabled=True)
    with acting(rig.engine) as conn:
        kf_accounts.remove(conn, BOSS, rig.account.appid, amy)
    mirror.everyone(rig.engine, rig.account)
    assert rig.seat(amy) is None
    gone = rig.seat(bob)
    assert gone is not None and not gone.enabled


def test_a_restart_keeps_what_the_agent_wants(rig: Rig) -> None:
    amy = add(rig, "amy")
    mirror.everyone(rig.engine, rig.account)
    rig.account.seats.set_status(amy, Status.AWAY, refuse_while_holding=False)
    mirror.everyone(rig.engine, rig.account)
    seat = rig.seat(amy)
    assert seat is not None and seat.status is Status.AWAY


def test_an_agent_the_platform_refuses_becomes_local_with_the_reason_and_an_audit_entry(
    rig: Rig,
) -> None:
    amy = add(rig, "amy")
    mirror.everyone(rig.engine, rig.account)
    mirror.speaker_refused(rig.engine, rig.account, amy, 65401)
    mirror.speaker_refused(rig.engine, rig.account, amy, 65401)
    with reading(rig.engine) as conn:
        row = kf_accounts.get(conn, rig.account.appid, amy)
    assert row.platform == "local" and "65401" in row.platform_note
    seat = rig.seat(amy)
    assert seat is not None and seat.platform == "local"
    updates = [
        entry
        for entry in audit.page(rig.engine).items
        if entry["act"] == "kf_account.update" and entry["who"] == "system"
    ]
    assert len(updates) == 1


def test_a_refused_speaker_that_is_unknown_here_disturbs_nobody(rig: Rig) -> None:
    mirror.speaker_refused(rig.engine, rig.account, "ghost@shop_id", 65401)
    assert rig.seat("ghost@shop_id") is None


def test_the_plan_comes_from_memory_and_follows_a_change_of_another_node(rig: Rig) -> None:
    appid = rig.account.appid
    plans = Plans(rig.engine, appid, "Asia/Shanghai", refresh_s=0.05)

    def fallbacks(group: str) -> str:
        return plans().group(group).fallback

    with writing(rig.engine) as conn:
        groups.ensure(conn, Group(appid, "general", "综合"), 1)
        groups.ensure(conn, Group(appid, "vip", "贵宾", "general"), 1)
    plans.reload()
    assert fallbacks("vip") == "general" and fallbacks("general") == ""
    assert fallbacks("no") == "general_support"
    with acting(rig.engine) as conn:
        groups.replace(conn, BOSS, Group(appid, "vip", "贵宾", None))
    wait_until(lambda: fallbacks("vip") == "")
