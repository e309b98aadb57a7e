from __future__ import annotations

from typing import Any

import pytest

from app.directory.kf_accounts import KfDirectory, NewAgent, RegisteredAgent
from app.directory.kf_people import Wish
from app.refusals import Refusal
from app.storage import audit, kf_accounts, people
from app.storage.errors import Invalid, Missing, Taken
from app.storage.kf_accounts import KfAccount
from app.storage.people import Person
from app.storage.sql import reading
from tests.directory.rig import BOSS, Platform, Rig

ADD = "/customservice/kfaccount/add"
UPDATE = "/customservice/kfaccount/update"
DELETE = "/customservice/kfaccount/del"


@pytest.fixture
def kf(rig: Rig) -> KfDirectory:
    return KfDirectory.of(rig.services, rig.served)


def register(kf: KfDirectory, name: str = "amy", **more: Any) -> RegisteredAgent:
    return kf.register(BOSS, NewAgent(name, more.pop("nickname", name.title()), **more))


def rows(rig: Rig) -> dict[str, KfAccount]:
    with reading(rig.engine) as conn:
        found = kf_accounts.everyone(conn, rig.account.appid)
    return {row.kf_account: row for row in found}


def person_named(rig: Rig, name: str) -> Person | None:
    with reading(rig.engine) as conn:
        return people.by_sign_in_name(conn, name)


def at_wechat(platform: Platform, rig: Rig) -> set[str]:
    return {row["kf_account"] for row in rig.served.api.kf_list()}


def test_a_bare_prefix_is_completed_created_at_wechat_and_mirrored(
    kf: KfDirectory, rig: Rig, platform: Platform
) -> None:
    made = register(kf, "amy", nickname="客服小林", groups=("premium_support",))
    assert made.row.kf_account == "amy@shop_id" and made.row.platform == "registered"
    assert made.row.max_sessions == 5
    assert at_wechat(platform, rig) == {"amy@shop_id"}
    seat = rig.seat("amy@shop_id")
    assert seat is not None and seat.groups == ("premium_support",) and seat.seats == 5


def test_the_body_of_the_call_is_what_the_platform_documents(
    kf: KfDirectory, platform: Platform
) -> None:
    register(kf, "amy", nickname="客服小林")
    body = platform.calls(ADD)[-1]["body"]
    assert body == {"kf_account": "amy@shop_id", "nickname": "客服小林"}


@pytest.mark.parametrize("errcode", [65400, 48001, 61450])
def test_without_the_kf_feature_the_agent_is_local_and_says_why(
    kf: KfDirectory, platform: Platform, errcode: int
) -> None:
    platform.fault(path=ADD, errcode=errcode)
    made = register(kf)
    assert made.row.platform == "local" and str(errcode) in made.row.platform_note


@pytest.mark.parametrize("errcode", [65403, 65404, 65405, 65406, 45009, 50004, -1, 99999])
def test_every_other_refusal_is_told_with_its_code_and_saves_nothing(
    kf: KfDirectory, rig: Rig, platform: Platform, errcode: int
) -> None:
    platform.fault(path=ADD, errcode=errcode)
    with pytest.raises(Refusal) as caught:
        register(kf, person=Wish(password="good-password"))
    assert caught.value.code == "platform_refused"
    assert caught.value.extra["errcode"] == errcode
    assert str(errcode) in caught.value.extra["reason"]
    assert rows(rig) == {} and person_named(rig, "amy") is None
    assert rig.seat("amy@shop_id") is None


def test_an_existing_account_is_refused_with_the_way_to_import_it(
    kf: KfDirectory, rig: Rig
) -> None:
    rig.served.api.kf_add("amy@shop_id", "Amy")
    with pytest.raises(Refusal, match="sync") as caught:
        register(kf)
    assert caught.value.extra["import_by"].endswith("/sync")
    with pytest.raises(Refusal):
        register(kf)


def test_a_wrong_secret_is_the_platforms_refusal(
    kf: KfDirectory, rig: Rig, platform: Platform
) -> None:
    platform.fault(path="/cgi-bin/stable_token", errcode=40125)
    with pytest.raises(Refusal) as caught:
        register(kf)
    assert caught.value.code == "platform_refused" and caught.value.extra["errcode"] == 40125


def test_an_unreachable_platform_saves_nothing(
    kf: KfDirectory, rig: Rig, platform: Platform
) -> None:
    platform.stop()
    with pytest.raises(Refusal) as caught:
        register(kf)
    assert caught.value.code == "platform_unreachable" and "outcome" not in caught.value.extra
    assert rows(rig) == {}


def test_a_lost_answer_saves_nothing_and_a_repeat_finishes_it(
    kf: KfDirectory, rig: Rig, platform: Platform
) -> None:
    platform.fault(path=ADD, drop="close", count=1)
    with pytest.raises(Refusal, match="sync") as caught:
        register(kf)
    assert caught.value.extra["outcome"] == "unknown"
    assert rows(rig) == {} and at_wechat(platform, rig) == {"amy@shop_id"}
    assert register(kf).row.platform == "registered"


@pytest.mark.parametrize(
    ("name", "nickname", "field"),
    [
        ("elevenchars", "Amy", "kf_account"),
        ("a-b", "Amy", "kf_account"),
        ("", "Amy", "kf_account"),
        ("客服", "Amy", "kf_account"),
        ("amy@other_id", "Amy", "kf_account"),
        ("amy", "", "nickname"),
        ("amy", "n" * 17, "nickname"),
    ],
)
def test_what_the_platform_would_not_take_is_refused_without_asking_it(
    kf: KfDirectory, platform: Platform, name: str, nickname: str, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        register(kf, name, nickname=nickname)
    assert caught.value.field == field
    assert platform.calls(ADD) == []


def test_an_unknown_group_and_a_bad_limit_are_refused_without_asking_the_platform(
    kf: KfDirectory, platform: Platform
) -> None:
    for wrong in ({"groups": ("nobody",)}, {"max_sessions": 1001}, {"max_sessions": -1}):
        with pytest.raises(Invalid):
            register(kf, "amy", **wrong)
    assert platform.calls(ADD) == []


def test_a_kf_account_with_a_password_can_sign_in_by_prefix_and_in_full(
    kf: KfDirectory, rig: Rig
) -> None:
    made = register(kf, person=Wish(password="good-password", role="supervisor"))
    assert made.generated_password is None
    opened = rig.services.sign_in.token("amy", "good-password", "10.0.0.1")
    assert opened.login.kf_account == "amy@shop_id" and opened.login.role == "supervisor"
    rig.services.sign_in.token("amy@shop_id", "good-password", "10.0.0.1")


def test_a_password_that_was_not_given_is_made_and_told_once(kf: KfDirectory, rig: Rig) -> None:
    made = register(kf, person=Wish())
    assert made.generated_password
    rig.services.sign_in.token("amy", made.generated_password, "10.0.0.1")


def test_a_prefix_that_is_somebodys_username_gets_a_longer_one(kf: KfDirectory, rig: Rig) -> None:
    made = register(kf, "admin", person=Wish(password="good-password"))
    assert made.person is not None and made.person.username == "admin.shop_id"
    opened = rig.services.sign_in.token("admin@shop_id", "good-password", "10.0.0.1")
    assert opened.login.kf_account == "admin@shop_id"


def test_a_username_in_use_is_refused_without_asking_the_platform(
    kf: KfDirectory, platform: Platform
) -> None:
    with pytest.raises(Taken):
        register(kf, "amy", person=Wish(username="Admin", password="good-password"))
    assert platform.calls(ADD) == []


def test_a_second_of_the_same_name_is_taken(kf: KfDirectory, platform: Platform) -> None:
    register(kf)
    with pytest.raises(Taken):
        register(kf)
    assert len(platform.calls(ADD)) == 1


def test_a_new_nickname_goes_to_wechat_first(kf: KfDirectory, rig: Rig, platform: Platform) -> None:
    register(kf)
    row = kf.change(BOSS, "amy", {"nickname": "客服小周"})
    assert row.nickname == "客服小周"
    assert rig.served.api.kf_list()[0]["kf_nick"] == "客服小周"
    platform.fault(path=UPDATE, errcode=65403)
    with pytest.raises(Refusal):
        kf.change(BOSS, "amy", {"nickname": "不行"})
    assert rows(rig)["amy@shop_id"].nickname == "客服小周"


def test_a_change_of_seats_and_groups_is_mirrored_at_once(kf: KfDirectory, rig: Rig) -> None:
    register(kf)
    kf.change(BOSS, "amy@shop_id", {"max_sessions": 9, "groups": ["retention_team"]})
    seat = rig.seat("amy@shop_id")
    assert seat is not None and seat.seats == 9 and seat.groups == ("retention_team",)
    agent = rig.account.attendance.agent("amy@shop_id")
    assert agent is not None and agent.seat.seats == 9


def test_a_disabled_agent_is_signed_out_everywhere_until_he_is_enabled(
    kf: KfDirectory, rig: Rig
) -> None:
    register(kf, person=Wish(password="good-password"))
    opened = rig.services.sign_in.token("amy", "good-password", "10.0.0.1")
    kf.set_disabled(BOSS, "amy", True)
    assert rig.services.logins.find(opened.secret, "token") is None
    seat, person = rig.seat("amy@shop_id"), person_named(rig, "amy")
    assert seat is not None and not seat.enabled
    assert person is not None and person.disabled
    kf.set_disabled(BOSS, "amy", False)
    rig.services.sign_in.token("amy", "good-password", "10.0.0.1")
    seat = rig.seat("amy@shop_id")
    assert seat is not None and seat.enabled


def test_a_supervisors_own_login_survives_the_loss_of_his_kf_account(
    kf: KfDirectory, rig: Rig
) -> None:
    register(kf, person=Wish(password="good-password", role="supervisor"))
    kf.remove(BOSS, "amy")
    opened = rig.services.sign_in.token("amy", "good-password", "10.0.0.1")
    assert opened.login.kf_account == ""


def test_a_removed_account_is_gone_everywhere_and_can_be_made_again(
    kf: KfDirectory, rig: Rig, platform: Platform
) -> None:
    register(kf, person=Wish(password="good-password"))
    opened = rig.services.sign_in.token("amy", "good-password", "10.0.0.1")
    kf.remove(BOSS, "amy")
    assert at_wechat(platform, rig) == set()
    assert rig.services.logins.find(opened.secret, "token") is None
    assert rig.seat("amy@shop_id") is None
    with pytest.raises(Missing):
        kf.get("amy")
    again = register(kf, person=Wish(password="other-password"))
    assert again.person is not None and again.person.username == "amy"
    rig.services.sign_in.token("amy", "other-password", "10.0.0.1")


@pytest.mark.parametrize("errcode", [65401, 65400, 48001])
def test_what_wechat_does_not_have_can_be_removed_here(
    kf: KfDirectory, rig: Rig, platform: Platform, errcode: int
) -> None:
    register(kf)
    platform.fault(path=DELETE, errcode=errcode)
    kf.remove(BOSS, "amy")
    assert rows(rig) == {}


def test_a_removal_that_wechat_refuses_changes_nothing(
    kf: KfDirectory, rig: Rig, platform: Platform
) -> None:
    register(kf)
    platform.fault(path=DELETE, errcode=45009)
    with pytest.raises(Refusal):
        kf.remove(BOSS, "amy")
    assert set(rows(rig)) == {"amy@shop_id"} and rig.seat("amy@shop_id") is not None


def test_an_invitation_is_sent_and_shown_and_a_refused_one_is_told(
    kf: KfDirectory, platform: Platform
) -> None:
    register(kf)
    assert kf.invite(BOSS, "amy", "amy_wechat").platform == "invited"
    with pytest.raises(Refusal) as caught:
        kf.invite(BOSS, "amy", "other_wechat")
    assert caught.value.extra["errcode"] == 65411


def test_a_picture_must_be_a_jpeg_of_at_most_5_mb(kf: KfDirectory, platform: Platform) -> None:
    register(kf)
    with pytest.raises(Refusal, match="JPEG"):
        kf.set_avatar(BOSS, "amy", b"\x89PNG\r\n\x1a\n" + b"0" * 64)
    with pytest.raises(Refusal, match="bytes"):
        kf.set_avatar(BOSS, "amy", b"\xff\xd8\xff" + b"0" * (5 * 1024 * 1024))
    kf.set_avatar(BOSS, "amy", b"\xff\xd8\xff\xe0" + b"0" * 64)
    assert platform.calls("/customservice/kfaccount/uploadheadimg")[-1]["errcode"] == 0


def test_every_act_is_in_the_audit_log_with_who_did_it(kf: KfDirectory, rig: Rig) -> None:
    register(kf, person=Wish(password="good-password"))
    kf.change(BOSS, "amy", {"max_sessions": 7})
    kf.set_disabled(BOSS, "amy", True)
    kf.remove(BOSS, "amy")
    entries = audit.page(rig.engine).items
    acts = [entry["act"] for entry in entries if entry["who"] == "boss"]
    assert {"kf_account.create", "person.create", "kf_account.update", "kf_account.remove"} <= {
        *acts
    }
    assert "good-password" not in str(entries)
    assert audit.verify(rig.engine) is None
