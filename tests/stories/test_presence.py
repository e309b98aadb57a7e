"""Field A: who is there and who is not, told by signs of life alone and never by guessing."""

from __future__ import annotations

import pytest

from app.conversations import off_shift
from app.conversations.access import Reader
from app.conversations.duty import change_status
from app.conversations.lists import Wanted, listed
from app.conversations.timers import sweep as sweeps
from app.conversations.transfers import drain_everywhere
from app.refusals import Refusal
from sessions.model import State
from sessions.seats import Status
from tests.conversations.conftest import Office
from tests.stories.conftest import GROUP
from tests.support import wait_until

SUPERVISOR = Reader("", frozenset(), everything=True)


def test_a_desk_that_comes_back_within_the_grace_finds_everything_as_it_was(
    office: Office,
) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.vanishes("a@x")
    sweeps.look_after_agents(office.account, 1)
    office.says("o1", "还在吗")
    office.comes("a@x")
    sweeps.look_after_agents(office.account, 1)
    session = office.session(sid)
    assert (session.kf_account, session.owner_epoch, session.unread) == ("a@x", 1, 2)


def test_cskefu_536_an_agent_put_off_duty_can_serve_nobody_any_more(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.account.seats.disable("a@x")
    office.account.attendance.refresh()
    off_shift.rescue_from_off_duty(office.account)
    assert office.account.seats.held("a@x") == set()
    with pytest.raises(Refusal):
        office.replies(sid, "a@x")


def test_cskefu_17_who_went_offline_can_send_nothing_any_more(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.agent("b@x")
    change_status(office.account, "a@x", Status.OFFLINE, hand_over=True)
    with pytest.raises(Refusal, match="not_owner"):
        office.replies(sid, "a@x")
    office.replies(sid, "b@x")


def test_zammad_1075_whoever_signs_off_is_gone_at_once_and_not_after_two_minutes(
    office: Office,
) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    with pytest.raises(Refusal, match="conversations_open"):
        change_status(office.account, "a@x", Status.OFFLINE, hand_over=False)
    change_status(office.account, "a@x", Status.OFFLINE, hand_over=True)
    assert office.says("o2").result == "queued"
    assert office.session(sid).state is State.WAITING
    assert office.account.queries.waiting([GROUP], 9)[0] == sid


def test_cskefu_544_the_end_of_the_last_tab_is_seen_at_once_and_of_any_other_not_at_all(
    office: Office,
) -> None:
    office.agent("a@x", seats=9)
    office.account.attendance.stream_opened("a@x")
    office.vanishes("a@x")
    assert office.says("o1").kf_account == "a@x"
    office.vanishes("a@x")
    assert office.says("o2").result == "queued"
    office.comes("a@x")
    assert office.says("o3").kf_account == "a@x"


def test_chatwoot_5436_an_agent_on_the_phone_is_there_by_his_heartbeats(office: Office) -> None:
    account = office.account
    account.seats.put("phone@x", "p", 5, ())
    change_status(account, "phone@x", Status.ONLINE, hand_over=False)
    assert office.says("o1").kf_account == "phone@x"
    account.attendance._heartbeat_ms = 200
    account.attendance.heartbeat("phone@x")

    def gone() -> bool:
        account.attendance.refresh()
        return "phone@x" not in account.attendance.present()

    wait_until(gone)
    assert office.says("o2").result == "queued"


@pytest.mark.parametrize("status", [Status.AWAY, Status.OFFLINE])
def test_rocketchat_19846_a_status_is_changed_by_its_agent_and_by_nothing_else(
    office: Office, status: Status
) -> None:
    office.agent("a@x")
    office.set("a@x", status)
    waiting = office.says("o1").session_id
    for _ in range(2):
        office.vanishes("a@x")
        office.account.attendance.stream_opened("a@x")
        office.account.attendance.heartbeat("a@x")
        office.account.attendance.refresh()
        sweeps.look_after_agents(office.account, 1)
        drain_everywhere(office.account)
    (seat,) = office.account.seats.read(["a@x"])
    assert seat.status is status
    assert office.session(waiting).state is State.WAITING


def test_zammad_4970_whoever_writes_while_nobody_is_there_is_told_so_and_kept(
    office: Office,
) -> None:
    asked = office.says("o1", "有人吗")
    assert (asked.result, asked.notice, asked.kf_account) == ("queued", "away", "")
    assert office.says("o1", "急").session_id == asked.session_id
    office.agent("a@x")
    assert office.session(asked.session_id).kf_account == "a@x"


def test_rocketchat_31474_requests_made_while_all_are_offline_are_seen_and_reach_the_first_to_come(
    office: Office,
) -> None:
    office.account.seats.put("only@x", "o", 5, ())
    sids = [office.says(f"o{n}").session_id for n in range(3)]
    shown = listed(office.account, SUPERVISOR, Wanted(State.WAITING), None, 10).items
    assert [(view["id"], view["queue_position"]) for view in shown] == [
        (sid, place) for place, sid in enumerate(sids, 1)
    ]
    office.comes("only@x")
    assert office.account.seats.held("only@x") == set(sids)
