"""Field A: assigned to somebody who is not there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.conversations import closing, off_shift, picks, supervision, transfers
from app.conversations.duty import change_status
from app.conversations.timers import sweep as sweeps
from app.refusals import Refusal
from routing.transfer_rules import Keyword, TransferRules
from sessions.model import State
from sessions.seats import Status
from tests.conversations.clockwork import passed
from tests.conversations.conftest import Office
from tests.stories.conftest import GROUP, Operator

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


def test_chatwoot_9587_of_many_only_the_one_who_is_there_gets_customers(office: Office) -> None:
    office.agent("there@x", seats=9)
    office.agent("away@x", seats=9)
    office.set("away@x", Status.AWAY)
    office.agent("off@x", seats=9)
    office.set("off@x", Status.OFFLINE)
    office.agent("closed_tab@x", seats=9)
    office.vanishes("closed_tab@x")
    office.agent("disabled@x", seats=9)
    office.account.seats.disable("disabled@x")
    office.agent("going_home@x", seats=9)
    off_shift.announce(office.account, "going_home@x", 1200, {})
    office.account.attendance.refresh()
    served = {office.says(f"o{n}").kf_account for n in range(9)}
    assert served == {"there@x"}
    assert office.says("o10").result == "queued"


KEYWORDS = TransferRules((Keyword(("投诉",), "premium_support"),), rating_below=3.0)


@pytest.mark.parametrize("why", ["keyword", "unanswered", "served_long", "rating"])
def test_chatwoot_6858_no_rule_gives_a_customer_to_somebody_absent(
    office: Office, why: str
) -> None:
    office.account = replace(office.account, transfer_rules=lambda: KEYWORDS)
    office.agent("a@x")
    sid = office.says("o1").session_id
    for name, groups in (("ghost@x", ()), ("lead@x", ("premium_support",))):
        office.agent(name, groups=groups)
        office.vanishes(name)
    if why == "keyword":
        office.says("o1", "我要投诉")
    elif why == "rating":
        for _ in range(picks.RATED_MIN):
            office.account.seats.rate("a@x", 1)
        sweeps.look_after_agents(office.account, 1)
    else:
        timer, ms = ("reply", REPLY_MS) if why == "unanswered" else ("limit", 7_200_000)
        for _ in range(2):
            passed(office, sid, timer, ms)
            sweeps.run_timers(office.account, NOW)
    session = office.session(sid)
    assert (session.state, session.kf_account, session.moves) == (State.SERVING, "a@x", 0)


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


def test_chatwoot_5362_the_team_hears_whose_customer_went_where(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.agent("b@x")
    lost(office, "a@x")
    told = [t for t in office.account.stream.recent() if t.session_id == sid]
    lines = [t.message["values"] for t in told if t.message and t.message.get("code") == "moved"]
    assert lines == [{"by": "a@x", "to": "b@x", "why": "agent_lost"}]
    (assigned,) = [t for t in told if t.type == "session.assigned" and "b@x" in t.audience]
    assert "a@x" in assigned.audience


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
    office: Office, operator: Operator
) -> None:
    operator.routing(default_group="premium_support")
    office.agent("a@x", groups=["premium_support"])
    sid = office.says("o1").session_id
    office.agent("b@x", groups=["premium_support"])
    office.agent("other@x", seats=9, groups=[GROUP])
    change_status(office.account, "a@x", Status.OFFLINE, hand_over=True)
    session = office.session(sid)
    assert (session.kf_account, session.group) == ("b@x", "premium_support")


def test_rocketchat_23185_a_silent_customer_is_not_kept_for_an_agent_who_went_home(
    office: Office,
) -> None:
    office.agent("old@x")
    sid = office.says("o1").session_id
    office.replies(sid, "old@x", "请稍等")
    office.agent("new@x")
    change_status(office.account, "old@x", Status.OFFLINE, hand_over=True)
    back = office.says("o1", "我回来了")
    assert (back.session_id, back.kf_account) == (sid, "new@x")


def test_cskefu_304_a_browser_closed_is_noticed_and_its_customers_find_the_next_to_come(
    office: Office,
) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    lost(office, "a@x")
    assert office.session(sid).state is State.WAITING
    office.agent("b@x")
    assert office.session(sid).kf_account == "b@x"


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
