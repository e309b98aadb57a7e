"""准备下班, slow start, and agents who signed off half way."""

from __future__ import annotations

from app.conversations import off_shift, transfers
from app.conversations.duty import change_status
from app.conversations.timers import sweep as sweeps
from sessions.model import State
from sessions.seats import Status
from sessions.store.agents import AgentStore
from tests.conversations.clockwork import online_since, shift_over
from tests.conversations.conftest import GROUP, Office


def last_line(office: Office, session_id: str) -> dict[str, str]:
    found = office.account.queries.messages(session_id, 0, 100)
    values: dict[str, str] = [m for m in found if m["direction"] == "system"][-1]["values"]
    return values


def test_whose_shift_ends_soon_gets_nobody_new_and_keeps_his_customers(office: Office) -> None:
    office.agent("a@x", seats=3)
    mine = office.says("o1").session_id
    off_shift.announce(office.account, "a@x", 1200, {})
    assert office.says("o2").result == "queued"
    assert office.account.store.drain("a@x", [GROUP]) == []
    office.replies(mine, "a@x")
    sweeps.look_after_agents(office.account, 1)
    assert office.session(mine).kf_account == "a@x"


def test_at_the_end_of_the_shift_the_rest_goes_on_with_notes(office: Office) -> None:
    office.agent("a@x")
    one, two = (office.says(f"o{n}").session_id for n in range(2))
    office.agent("b@x", seats=1)
    off_shift.announce(office.account, "a@x", 1200, {one: "等发票", "": "请跟进"})
    shift_over(office, "a@x")
    assert off_shift.end_shifts(office.account, 2**53) == 2
    assert office.account.seats.held("a@x") == set()
    assert office.account.seats.read(["a@x"])[0].status is Status.OFFLINE
    assert (office.session(one).kf_account, office.session(two).state) == ("b@x", State.WAITING)
    assert [last_line(office, sid)["note"] for sid in (one, two)] == ["等发票", "请跟进"]
    assert last_line(office, one)["why"] == "off_shift"


def test_taking_it_back_lets_waiting_customers_in_at_once(office: Office) -> None:
    office.agent("a@x")
    off_shift.announce(office.account, "a@x", 1200, {})
    sid = office.says("o1").session_id
    off_shift.cancel(office.account, "a@x")
    assert office.session(sid).kf_account == "a@x"
    shift_over(office, "a@x")
    assert off_shift.end_shifts(office.account, 2**53) == 0


def test_the_end_survives_a_restart_and_a_cancel_beats_a_sweep_that_saw_it_due(
    office: Office,
) -> None:
    office.agent("a@x")
    off_shift.announce(office.account, "a@x", 1200, {})
    seats: AgentStore = office.account.seats
    assert seats.shifts_over(2**53) == ["a@x"]
    word, _ = seats.set_status("a@x", Status.OFFLINE, refuse_while_holding=False, only_if_over=True)
    assert word == "later"
    change_status(office.account, "a@x", Status.ONLINE, hand_over=False)
    assert seats.read(["a@x"])[0].off_shift_ms == 0
    assert seats.shifts_over(2**53) == []


def test_a_node_that_died_while_an_agent_signed_off_leaves_no_customer_behind(
    office: Office,
) -> None:
    office.agent("a@x")
    sids = [office.says(f"o{n}").session_id for n in range(2)]
    office.agent("b@x")
    office.set("a@x", Status.OFFLINE)
    transfers.give_up(office.account, sids[0], "a@x", "agent_offline")
    sweeps.look_after_agents(office.account, 1)
    assert {office.session(sid).kf_account for sid in sids} == {"b@x"}
    assert office.account.seats.held("a@x") == set()


def test_an_agent_who_just_came_online_ramps_up(office: Office) -> None:
    office.account.seats.put("a@x", "A", 4, (), ramp_ms=600_000)
    office.comes("a@x")
    results = [office.says(f"o{n}").result for n in range(3)]
    assert results == ["seated", "queued", "queued"]
    online_since(office, "a@x", 300_000)
    assert len(office.account.store.drain("a@x", [GROUP])) == 1
    online_since(office, "a@x", 600_000)
    assert len(office.account.store.drain("a@x", [GROUP])) == 1
    (seat,) = office.account.seats.read(["a@x"])
    assert [seat.seats_at(seat.online_ms + ms) for ms in (0, 299_999, 300_000, 10**9)] == [
        1,
        1,
        2,
        4,
    ]


def test_going_away_and_coming_back_starts_no_new_ramp(office: Office) -> None:
    office.account.seats.put("a@x", "A", 4, (), ramp_ms=600_000)
    office.comes("a@x")
    online_since(office, "a@x", 600_000)
    office.set("a@x", Status.AWAY)
    office.set("a@x", Status.ONLINE)
    assert [office.says(f"o{n}").result for n in range(4)] == ["seated"] * 4
