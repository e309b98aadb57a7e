"""What happens to a customer when agents come, go, hand over or fall silent."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.conversations import archiving, arrivals, closing, transfers
from app.conversations.replies import check_sendable
from app.conversations.timers import sweep as sweeps
from app.refusals import Refusal
from app.storage.notices import read_defaults
from routing.document import Routing
from sessions.messages import Outgoing
from sessions.model import Delivery, Outcome, State, StoreDown
from sessions.seats import Status
from sessions.store.outbox import Verdict
from tests.conversations.conftest import GROUP, PLAN, Office

NOW = 2**53


def codes(office: Office, session_id: str) -> list[str]:
    found = office.account.queries.messages(session_id, 0, 100)
    return [m["code"] for m in found if m["direction"] == "system"]


def test_the_customer_finds_the_agent_who_served_him_last_again(office: Office) -> None:
    names = [office.agent(f"k{n}@x") for n in range(5)]
    first = office.says("o1")
    closing.close_by_agent(office.account, first.session_id, first.kf_account)
    for name in names:
        if name != first.kf_account:
            office.set(name, Status.AWAY)
            office.set(name, Status.ONLINE)
    again = office.says("o1")
    session = office.session(again.session_id)
    assert again.kf_account == first.kf_account
    assert session.previous_session_id == first.session_id


def test_nobody_online_says_so_and_the_first_to_come_serves_in_order(office: Office) -> None:
    early = [office.says(f"o{n}") for n in range(3)]
    assert [o.notice for o in early] == ["away"] * 3
    office.agent("a@x", seats=2)
    held = office.account.seats.held("a@x")
    assert held == {early[0].session_id, early[1].session_id}
    assert office.session(early[2].session_id).state is State.WAITING


def test_all_busy_tells_the_place_in_the_queue(office: Office) -> None:
    office.agent("a@x", seats=1)
    office.says("o1")
    assert [(o.notice, o.position) for o in (office.says("o2"), office.says("o3"))] == [
        ("queue", 1),
        ("queue", 2),
    ]


def test_an_agent_lost_within_the_grace_keeps_his_customers_and_after_it_loses_none(
    office: Office,
) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.agent("b@x")
    office.vanishes("a@x")
    assert sweeps.rescue_from_lost(office.account) == 0
    office.grace_over("a@x")
    assert sweeps.rescue_from_lost(office.account) == 1
    session = office.session(sid)
    assert (session.state, session.kf_account, session.owner_epoch) == (State.SERVING, "b@x", 2)
    with pytest.raises(Refusal, match="not_owner"):
        office.replies(sid, "a@x")


def test_with_nobody_else_the_customer_of_a_lost_agent_stands_at_the_head_of_the_queue(
    office: Office,
) -> None:
    office.agent("a@x", seats=2)
    lost = [office.says("o1").session_id, office.says("o2").session_id]
    waiting = office.says("o3").session_id
    office.vanishes("a@x")
    office.grace_over("a@x")
    sweeps.rescue_from_lost(office.account)
    assert office.account.queries.waiting([GROUP], 10) == [*lost, waiting]
    office.comes("a@x")
    assert office.account.seats.held("a@x") == set(lost)


def test_a_page_refresh_moves_nobody(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.agent("b@x")
    office.account.attendance.stream_opened("a@x")
    office.vanishes("a@x")
    office.grace_over("a@x")
    sweeps.rescue_from_lost(office.account)
    assert office.session(sid).kf_account == "a@x"


def test_a_seat_freed_by_an_agent_who_is_gone_is_given_to_nobody(office: Office) -> None:
    office.agent("a@x", seats=1)
    sid = office.says("o1").session_id
    waiting = office.says("o2").session_id
    office.vanishes("a@x")
    office.timer_due(sid, "idle")
    sweeps.run_timers(office.account, NOW)
    assert office.session(sid).close_reason == "idle_unanswered"
    assert office.session(waiting).state is State.WAITING


def test_going_offline_with_hand_over_moves_everything_at_once(office: Office) -> None:
    office.agent("a@x")
    sids = [office.says(f"o{n}").session_id for n in range(2)]
    office.agent("b@x", seats=1)
    office.set("a@x", Status.OFFLINE)
    transfers.give_up_all(office.account, "a@x", "agent_offline")
    states = {office.session(sid).state for sid in sids}
    assert states == {State.SERVING, State.WAITING}
    assert office.account.seats.held("a@x") == set()


def test_an_idle_conversation_closes_and_tells_both_sides(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.replies(sid, "a@x")
    office.timer_due(sid, "idle")
    assert sweeps.run_timers(office.account, NOW) == 1
    last = office.account.queries.messages(sid, 0, 10)[-2:]
    assert office.session(sid).close_reason == "idle"
    assert [m["direction"] for m in last] == ["system", "out"]
    assert last[1]["text"] == "[idle_close]"


def test_a_timer_that_rings_too_early_is_set_to_the_real_end(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    assert sweeps.run_timers(office.account, NOW) == 0
    assert office.session(sid).state is State.SERVING
    kept = {f"{sid}:{name}" for name in ("idle", "reply", "limit")}
    assert set(office.account.queries.due_timers(NOW, 10)) == kept


def test_a_customer_who_waited_too_long_is_listed_as_missed(office: Office) -> None:
    sid = office.says("o1").session_id
    office.timer_due(sid, "wait")
    sweeps.run_timers(office.account, NOW)
    assert office.session(sid).close_reason == "missed"
    assert office.account.queries.waiting([GROUP], 10) == []


def test_leaving_the_account_closes_the_conversation_and_frees_the_seat(office: Office) -> None:
    office.agent("a@x", seats=1)
    sid = office.says("o1").session_id
    waiting = office.says("o2").session_id
    office.says("o1", "", kind="event", type="event", event="unsubscribe", dedup_key="e:o1")
    assert office.session(sid).close_reason == "unsubscribed"
    assert office.session(waiting).kf_account == "a@x"
    office.says("o1", "", kind="event", type="event", event="unsubscribe", dedup_key="e:o1")


def leaving(office: Office, at_s: int) -> Outcome:
    more = {"type": "event", "event": "unsubscribe", "dedup_key": f"e:o1:{at_s}:unsubscribe"}
    return office.says("o1", "", kind="event", created_s=at_s, **more)


def test_a_leaving_delivered_again_spares_the_conversation_begun_since(office: Office) -> None:
    office.agent("a@x")
    first = office.says("o1", created_s=100).session_id
    leaving(office, 101)
    follow = {"type": "event", "event": "subscribe", "dedup_key": "e:o1:102:subscribe"}
    office.says("o1", "", kind="event", created_s=102, **follow)
    second = office.says("o1", "还在吗", created_s=103).session_id
    assert leaving(office, 101).repeated
    assert office.session(first).close_reason == "unsubscribed"
    assert second != first and office.session(second).state is State.SERVING


def test_a_leaving_that_comes_late_closes_nothing(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1", created_s=103).session_id
    leaving(office, 101)
    assert office.session(sid).state is State.SERVING
    assert [m["text"] for m in office.account.queries.messages(sid, 0, 10)] == ["你好"]


def test_a_leaving_whose_first_delivery_was_left_half_done_is_finished_by_the_next(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.agent("a@x")
    sid = office.says("o1", created_s=100).session_id
    with monkeypatch.context() as patched:
        patched.setattr(arrivals, "DEADLINE_S", -1.0)
        with pytest.raises(StoreDown):
            leaving(office, 101)
    assert office.session(sid).state is State.SERVING
    leaving(office, 101)
    assert office.session(sid).close_reason == "unsubscribed"


@pytest.mark.parametrize("event", ["VIEW", "LOCATION", "subscribe", "TEMPLATESENDJOBFINISH"])
def test_events_take_no_seat(office: Office, event: str) -> None:
    office.agent("a@x")
    outcome = office.says("o1", "", kind="event", type="event", event=event, dedup_key=event)
    assert outcome.result == "noted"
    assert office.account.seats.held("a@x") == set()


@pytest.mark.parametrize(("key", "result"), [("人工", "seated"), ("HOURS", "noted")])
def test_only_the_menu_keys_of_the_settings_open_a_conversation(
    office: Office, key: str, result: str
) -> None:
    office.agent("a@x")
    click = {"kind": "event", "type": "event", "event": "CLICK", "event_key": key}
    assert office.says("o1", "", dedup_key=key, **click).result == result


def test_taking_from_the_queue_needs_a_seat_and_somebody_who_still_waits(office: Office) -> None:
    office.agent("a@x", seats=1)
    office.says("o1")
    sid = office.says("o2").session_id
    with pytest.raises(Refusal, match="agent_full"):
        transfers.take(office.account, sid, "a@x")
    office.account.seats.put("a@x", "a", 2, ())
    taken = transfers.take(office.account, sid, "a@x")
    assert (taken.state, taken.kf_account) == (State.SERVING, "a@x")
    with pytest.raises(Refusal, match="not_waiting"):
        transfers.take(office.account, sid, "a@x")


def test_a_transfer_to_a_group_finds_its_least_bothered_agent_and_keeps_the_note(
    office: Office,
) -> None:
    office.agent("a@x", seats=3)
    sids = [office.says(f"o{n}").session_id for n in range(3)]
    for name in ("t1@x", "t2@x", "t3@x"):
        office.agent(name, seats=3, groups=("technical",))
    moved = [
        transfers.transfer(office.account, sid, "a@x", "", "technical", "要看日志") for sid in sids
    ]
    assert sorted(m.kf_account for m in moved) == ["t1@x", "t2@x", "t3@x"]
    assert {m.group for m in moved} == {"technical"}
    found = office.account.queries.messages(sids[0], 0, 10)[-1]
    assert found["values"]["note"] == "要看日志"
    card = json.loads(office.account.queries.card(sids[2]) or "{}")
    assert [row["load"] for row in card["candidates"]] == [0, 1, 1]


def test_a_transfer_to_a_group_whose_agents_take_for_themselves_finds_one_too(
    office: Office,
) -> None:
    leads = replace(PLAN.group("premium_support"), assign="manual")
    office.plans.append(replace(PLAN, groups={**PLAN.groups, "premium_support": leads}))
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.agent("lead@x", groups=("premium_support",))
    moved = transfers.transfer(office.account, sid, "a@x", "", "premium_support", "")
    assert moved.kf_account == "lead@x"


def test_a_transfer_to_somebody_absent_full_or_himself_is_refused_and_changes_nothing(
    office: Office,
) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    before = office.session(sid)
    office.agent("gone@x")
    office.vanishes("gone@x")
    office.agent("full@x", seats=1, groups=("technical",))
    transfers.transfer(office.account, office.says("o9").session_id, "a@x", "full@x", "", "")
    for to, group, code in (
        ("gone@x", "", "agent_offline"),
        ("full@x", "", "agent_full"),
        ("", "technical", "agent_full"),
        ("", "nobody_here", "agent_offline"),
        ("a@x", "", "invalid"),
        ("nobody@x", "", "not_found"),
    ):
        with pytest.raises(Refusal) as refused:
            transfers.transfer(office.account, sid, "a@x", to, group, "")
        assert refused.value.code == code
    assert office.session(sid) == before


def with_consent(office: Office) -> Office:
    policy = replace(office.account.policy, transfer_consent=True)
    return Office(replace(office.account, policy=policy), office.wakes, office.numbers)


def test_with_consent_the_owner_serves_until_the_other_accepts(office: Office) -> None:
    office = with_consent(office)
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.agent("b@x", seats=1)
    asked = transfers.transfer(office.account, sid, "a@x", "b@x", "", "")
    assert (asked.state, asked.kf_account) == (State.TRANSFERING, "a@x")
    office.replies(sid, "a@x")
    assert office.account.seats.held("b@x") == {sid}
    with pytest.raises(Refusal, match="not_owner"):
        transfers.accept(office.account, sid, "a@x")
    done = transfers.accept(office.account, sid, "b@x")
    assert (done.kf_account, office.account.seats.held("a@x")) == ("b@x", set())


@pytest.mark.parametrize("old_agent_there", [True, False])
def test_a_declined_transfer_never_loses_the_customer(
    office: Office, old_agent_there: bool
) -> None:
    office = with_consent(office)
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.agent("b@x")
    transfers.transfer(office.account, sid, "a@x", "b@x", "", "")
    if not old_agent_there:
        office.vanishes("a@x")
    after = transfers.decline(office.account, sid, "b@x")
    assert after.state is (State.SERVING if old_agent_there else State.WAITING)
    assert office.account.seats.held("b@x") == set()
    assert "transfer_failed" in codes(office, sid)


def test_a_transfer_nobody_answers_times_out_back_to_the_owner(office: Office) -> None:
    office = with_consent(office)
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.agent("b@x")
    transfers.transfer(office.account, sid, "a@x", "b@x", "", "")
    office.timer_due(sid, "transfer")
    client = office.account.queries._redis
    client.hset(office.account.store.keys.of("session", sid), "last_active_ms", NOW)
    sweeps.run_timers(office.account, NOW)
    session = office.session(sid)
    assert (session.state, session.kf_account) == (State.SERVING, "a@x")


def test_closing_past_a_message_one_has_not_seen_is_refused(office: Office) -> None:
    office.agent("a@x")
    first = office.says("o1")
    office.says("o1", "等等")
    with pytest.raises(Refusal, match="newer_message"):
        closing.close_by_agent(office.account, first.session_id, "a@x", seen_seq=1)
    closed = closing.close_by_agent(office.account, first.session_id, "a@x", seen_seq=2)
    assert closed.state is State.CLOSED


def test_closed_conversations_move_to_sql_and_leave_redis(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1", "第一句").session_id
    office.replies(sid, "a@x", "回答")
    closing.close_by_agent(office.account, sid, "a@x")
    assert archiving.archive_closed(office.account) == 0
    while claim := office.account.outbox.claim(str(next(office.numbers))):
        office.account.outbox.settle(claim, Delivery.SENT, Verdict.SPENT, 0, "")
    assert archiving.archive_closed(office.account) == 1
    assert office.account.queries.rows([sid]) == []
    kept = office.account.records.session(office.account.appid, sid)
    messages = office.account.records.messages(office.account.appid, sid, 0, 10)
    assert kept is not None and kept["close_reason"] == "agent"
    assert [m["text"] for m in messages if m["text"]] == ["第一句", "回答", "[close]"]


def test_conversations_with_something_to_send_do_not_keep_others_from_the_archive(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.conversations.archiving.BATCH", 1)
    office.agent("a@x", seats=5)
    stuck, free = office.says("o1").session_id, office.says("o2").session_id
    office.replies(stuck, "a@x")
    closing.close_by_agent(office.account, stuck, "a@x")
    without_notice = replace(office.account, notices=lambda key, **_: "")
    closing.close_by_agent(without_notice, free, "a@x")
    assert archiving.archive_closed(office.account) == 1
    assert [s.id for s in office.account.queries.sessions([stuck, free])] == [stuck]


def test_a_group_without_anybody_online_hands_on_to_its_fallback(office: Office) -> None:
    office.agent("a@x")
    office.plans.append(replace(PLAN, routing=Routing("premium_support", "Asia/Shanghai")))
    outcome = office.says("o1")
    assert (outcome.kf_account, office.session(outcome.session_id).group) == ("a@x", GROUP)


def test_the_explanation_names_who_was_skipped_and_why(office: Office) -> None:
    office.agent("a@x", seats=1)
    office.says("o1")
    office.agent("b@x", seats=1)
    outcome = office.says("o2")
    card = office.account.queries.card(outcome.session_id)
    assert card is not None
    assert outcome.kf_account == "b@x"
    assert '"chosen": "b@x"' in card


def test_every_notice_a_use_case_names_has_a_text() -> None:
    notices = read_defaults()
    named = {*closing.TOLD.values(), "serving", "queue", "away", "queue_full", "greeting"}
    named |= {"queue_minutes", "cancelled", "closed", "on_request"}
    assert named <= notices.keys()
    for key in named:
        assert "{" not in notices[key].texts["zh"].format(position=1, minutes=30, opens="")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (Outgoing("c", "text", "  "), "invalid"),
        (Outgoing("c", "text", "字" * 683), "too_large"),
        (Outgoing("有空 格", "text", "好"), "invalid"),
        (Outgoing("c", "image", ""), "invalid"),
    ],
)
def test_what_wechat_would_refuse_is_refused_first(message: Outgoing, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_sendable(message)
    assert refused.value.code == code


def test_a_slow_store_is_given_up_before_the_callbacks_deadline(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.conversations.arrivals.DEADLINE_S", -1.0)
    with pytest.raises(StoreDown):
        office.says("o1")
