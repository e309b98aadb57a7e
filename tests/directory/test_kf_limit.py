"""WeChat keeps a hundred kf accounts for one official account; those it does not know of are not counted."""

from __future__ import annotations

import pytest

from app.directory.kf_accounts import KfDirectory, NewAgent
from app.storage import audit, kf_accounts
from app.storage.errors import Invalid
from app.storage.kf_accounts import NewKfAccount
from tests.directory.rig import BOSS, Rig


def keep(rig: Rig, number: int, platform: str) -> KfDirectory:
    with audit.acting(rig.engine) as conn:
        for n in range(number):
            new = NewKfAccount(rig.account.appid, f"k{n}@shop_id", f"K{n}", 5, platform=platform)
            kf_accounts.create(conn, BOSS, new)
    return KfDirectory.of(rig.services, rig.served)


def test_the_hundred_and_first_at_wechat_is_refused_before_wechat_is_asked(rig: Rig) -> None:
    with pytest.raises(Invalid, match="100 at WeChat"):
        keep(rig, 100, "registered").register(BOSS, NewAgent("amy", "Amy"))


def test_a_hundred_that_wechat_does_not_know_of_are_in_nobodys_way(rig: Rig) -> None:
    made = keep(rig, 100, "local").register(BOSS, NewAgent("amy", "Amy"))
    assert made.row.platform == "registered"
