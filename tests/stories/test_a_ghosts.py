"""Field A: assigned to somebody who is not there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.conversations import closing, off_shift, supervision, sweeps, transfers
from app.conversations.duty import change_status
from app.refusals import Refusal
from sessions.model import State
from sessions.roster import Status
from tests.conversations.clockwork import passed
from tests.conversations.conftest import Office

NOW = 2**53
REPLY_MS = 180_000


def lost(office: Office, name: str) -> None:
    """His tab is gone for longer than the grace, and a sweep came by."""
    office.vanishes(name)
    office.grace_over(name)
    sweeps.look_after_agents(office.account, 1)


def test_chatwoot_4158_a_returning_customer_is_not_given_to_his_offline_agent(
    office: Office,
) -> None:
    office.agent("old@x")
    first = office.says("o1").session_id
    closing.close_by_agent(office.account, first, "old@x")
    office.agent("new@x")
    change_status(office.account, "old@x", Status.OFFLINE, hand_over=True)
    assert office.says("o1").kf_account == "new@x"


@pytest.mark.parametrize("status", [Status.AWAY, Status.OFFLINE])
def test_chatwoot_7204_nobody_who_is_away_or_offline_gets_new_customers(
    office: Office, status: Status
) -> None:
    office.agent("a@x")
    office.set("a@x", status)
    assert office.says("o1").result == "queued"
    sweeps.look_after_agents(office.account, 1)
    transfers.drain_everywhere(office.account)
    assert office.account.seats.held("a@x") == set()


def test_chatwoot_6959_no_transfer_to_somebody_offline(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.agent("b@x")
    office.vanishes("b@x")
    with pytest.raises(Refusal, match="agent_offline"):
        transfers.transfer(office.account, sid, "a@x", "b@x", "", "")
    with pytest.raises(Refusal, match="agent_offline"):
        supervision.assign(office.account, sid, "b@x", "boss", "r")
    assert office.session(sid).kf_account == "a@x"


def test_chatwoot_5362_customers_of_a_disconnected_agent_are_served_by_others_or_wait_first(
    office: Office,
) -> None:
    office.agent("a@x", seats=2)
    mine = [office.says(f"o{n}").session_id for n in range(2)]
    office.agent("b@x", seats=1)
    lost(office, "a@x")
    sessions = [office.session(sid) for sid in mine]
    assert {s.state for s in sessions} == {State.SERVING, State.WAITING}
    assert "a@x" not in {s.kf_account for s in sessions}


def test_chatwoot_14508_an_agent_who_is_there_but_does_not_answer_loses_the_customer(
    office: Office,
) -> None:
    office.agent("asleep@x")
    sid = office.says("o1").session_id
    office.agent("awake@x")
    for _ in range(2):
        passed(office, sid, "reply", REPLY_MS)
        sweeps.run_timers(office.account, NOW)
    assert office.session(sid).kf_account == "awake@x"
    with pytest.raises(Refusal, match="not_owner"):
        office.replies(sid, "asleep@x")


def test_rocketchat_22505_a_customer_of_an_offline_agent_goes_on_within_the_same_group(
    office: Office,
) -> None:
    office.agent("a@x", groups=["premium_support"])
    sid = office.says("o1").session_id
    supervision.assign(office.account, sid, "a@x", "boss", "vip")
    office.agent("b@x", groups=["premium_support"])
    group = office.session(sid).group
    change_status(office.account, "a@x", Status.OFFLINE, hand_over=True)
    transfers.drain_everywhere(office.account)
    assert office.session(sid).group == group


def test_cskefu_304_a_browser_closed_is_noticed_and_its_customers_find_the_next_to_come(
    office: Office,
) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    lost(office, "a@x")
    assert office.session(sid).state is State.WAITING
    office.agent("b@x")
    assert office.session(sid).kf_account == "b@x"


def test_cskefu_536_an_agent_put_off_duty_can_serve_nobody_any_more(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.account.seats.disable("a@x")
    office.account.attendance.refresh()
    off_shift.rescue_from_off_duty(office.account)
    assert office.account.seats.held("a@x") == set()
    with pytest.raises(Refusal):
        office.replies(sid, "a@x")


def test_zammad_1075_a_desk_that_comes_back_within_the_grace_finds_everything_as_it_was(
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


def test_an_agent_lost_while_a_transfer_to_him_waits_gives_the_customer_back(
    office: Office,
) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.agent("b@x")
    consenting = replace(office.account.policy, transfer_consent=True)
    office.account = replace(office.account, policy=consenting)
    transfers.transfer(office.account, sid, "a@x", "b@x", "", "老客户")
    assert office.session(sid).state is State.TRANSFERING
    lost(office, "b@x")
    session = office.session(sid)
    assert (session.state, session.kf_account) == (State.SERVING, "a@x")
    assert office.account.seats.held("b@x") == set()
