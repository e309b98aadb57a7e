from __future__ import annotations

import pytest

from app.directory.kf_accounts import KfDirectory, NewAgent
from app.directory.kf_sync import KfSync
from app.refusals import Refusal
from app.storage.kf_accounts import KfAccount
from tests.directory.rig import BOSS, Platform, Rig

ADD = "/customservice/kfaccount/add"
LIST = "/cgi-bin/customservice/getkflist"


@pytest.fixture
def kf(rig: Rig) -> KfDirectory:
    return KfDirectory.of(rig.services, rig.served)


@pytest.fixture
def sync(rig: Rig, kf: KfDirectory) -> KfSync:
    return KfSync(rig.services, rig.served)


def only(kf: KfDirectory) -> KfAccount:
    (row,) = kf.everyone()
    return row


def test_what_exists_at_wechat_is_imported_with_its_id(
    kf: KfDirectory, sync: KfSync, rig: Rig
) -> None:
    rig.served.api.kf_add("amy@shop_id", "客服小林")
    done = sync.run(BOSS, fresh=False)
    assert done.imported == ("amy@shop_id",)
    row = only(kf)
    assert row.nickname == "客服小林" and row.platform == "registered" and row.kf_id
    assert rig.seat("amy@shop_id") is not None


def test_a_local_agent_that_wechat_has_becomes_registered_and_then_bound(
    kf: KfDirectory, sync: KfSync, rig: Rig, platform: Platform
) -> None:
    platform.fault(path=ADD, errcode=65400)
    kf.register(BOSS, NewAgent("amy", "Amy"))
    platform.mend()
    rig.served.api.kf_add("amy@shop_id", "Amy")
    assert sync.run(BOSS, fresh=True).changed == ("amy@shop_id",)
    row = only(kf)
    assert row.platform == "registered" and row.platform_note == "" and row.kf_id
    kf.invite(BOSS, "amy", "amy_wechat")
    platform.call("PATCH", "/sim/api/kf/amy@shop_id", {"accept_invite": True})
    sync.run(BOSS, fresh=True)
    assert only(kf).platform == "bound"


def test_what_wechat_lost_is_local_and_says_so(kf: KfDirectory, sync: KfSync, rig: Rig) -> None:
    kf.register(BOSS, NewAgent("amy", "Amy"))
    rig.served.api.kf_delete("amy@shop_id")
    assert sync.run(BOSS, fresh=True).missing == ("amy@shop_id",)
    row = only(kf)
    assert row.platform == "local" and row.platform_note
    seat = rig.seat("amy@shop_id")
    assert seat is not None and seat.platform == "local"


def test_local_agents_are_created_there_when_asked_for(
    kf: KfDirectory, sync: KfSync, platform: Platform
) -> None:
    platform.set(kf_enabled=False)
    kf.register(BOSS, NewAgent("amy", "Amy"))
    platform.set(kf_enabled=True)
    assert sync.run(BOSS, fresh=True).registered == ()
    assert only(kf).platform == "local"
    assert sync.run(BOSS, fresh=True, register_local=True).registered == ("amy@shop_id",)
    assert only(kf).platform == "registered"


def test_the_list_is_asked_once_in_five_minutes_unless_it_changed_or_a_fresh_one_is_wanted(
    kf: KfDirectory, sync: KfSync, rig: Rig, platform: Platform
) -> None:
    for _ in range(3):
        sync.run(BOSS, fresh=False)
    assert len(platform.calls(LIST)) == 1
    sync.run(BOSS, fresh=True)
    assert len(platform.calls(LIST)) == 2
    kf.register(BOSS, NewAgent("amy", "Amy"))
    sync.run(BOSS, fresh=False)
    assert len(platform.calls(LIST)) == 3


def test_a_refused_list_changes_nothing(kf: KfDirectory, sync: KfSync, platform: Platform) -> None:
    kf.register(BOSS, NewAgent("amy", "Amy"))
    platform.fault(path=LIST, errcode=65400)
    with pytest.raises(Refusal) as caught:
        sync.run(BOSS, fresh=True)
    assert caught.value.extra["errcode"] == 65400
    assert only(kf).platform == "registered"


def test_a_name_that_cannot_be_used_keeps_no_other_out(
    kf: KfDirectory, sync: KfSync, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"kf_account": "bad\u0007@shop_id", "kf_nick": "坏"},
        {"kf_nick": "无名"},
        {"kf_account": "长" * 100, "kf_nick": "长"},
        {"kf_account": "amy@shop_id", "kf_nick": "小\u0007林", "kf_id": 7},
    ]
    monkeypatch.setattr(rig.served.api, "kf_list", lambda: rows)
    done = sync.run(BOSS, fresh=True)
    assert done.imported == ("amy@shop_id",)
    assert done.skipped == ("bad\ufffd@shop_id", "?", "长" * 100)
    assert (only(kf).nickname, only(kf).kf_id) == ("小林", "7")


def test_a_list_without_a_clear_answer_is_not_said_to_have_changed_anything(
    sync: KfSync, platform: Platform
) -> None:
    platform.fault(path=LIST, drop=True)
    with pytest.raises(Refusal) as caught:
        sync.run(BOSS, fresh=True)
    assert "nothing was changed" in caught.value.detail
