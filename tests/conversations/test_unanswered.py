"""An agent who does not answer is told, then his customer goes to somebody who has room."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from app.conversations import transfers
from app.conversations.timers import sweep as sweeps
from sessions.deadlines import Deadlines
from sessions.model import State
from tests.conversations.clockwork import passed
from tests.conversations.conftest import GROUP, Office

NOW = 2**53
REPLY_MS = 180_000


def lines(office: Office, session_id: str) -> list[tuple[str, str]]:
    found = office.account.queries.messages(session_id, 0, 100)
    return [(m["code"], m["values"].get("why", "")) for m in found if m["direction"] == "system"]


def sweep_after(office: Office, session_id: str, ms: int) -> int:
    passed(office, session_id, "reply", ms)
    return sweeps.run_timers(office.account, NOW)


def unanswered_twice(office: Office, session_id: str) -> None:
    for _ in range(2):
        sweep_after(office, session_id, REPLY_MS)


def test_the_agent_is_nudged_once_for_a_question_and_his_desk_hears_it(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    assert sweep_after(office, sid, REPLY_MS) == 1
    assert sweeps.run_timers(office.account, NOW) == 0
    assert lines(office, sid) == [("unanswered", "")]
    (notice,) = [t for t in office.account.stream.recent() if t.type == "notice"]
    assert (set(notice.audience), notice.session_id) == ({"a@x"}, sid)
    assert notice.values["code"] == "unanswered"


def test_at_twice_the_time_somebody_with_room_gets_the_customer_and_a_fresh_deadline(
    office: Office,
) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.agent("b@x")
    unanswered_twice(office, sid)
    session = office.session(sid)
    assert (session.kf_account, session.moves, session.excluded) == ("b@x", 1, frozenset({"a@x"}))
    assert session.unread == 1
    assert lines(office, sid)[-1] == ("moved", "unanswered")
    card = json.loads(office.account.queries.card(sid) or "{}")
    assert (card["reason"], card["chosen"]) == ("unanswered", "b@x")
    assert {"kf_account": "a@x", "reason": "excluded"} in card["skipped"]
    assert sweeps.run_timers(office.account, NOW) == 0


def test_with_nobody_else_there_the_customer_keeps_his_agent_until_somebody_comes(
    office: Office,
) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    unanswered_twice(office, sid)
    assert office.session(sid).kf_account == "a@x"
    office.agent("b@x")
    passed(office, sid, "reply", 0)
    assert sweeps.run_timers(office.account, NOW) == 1
    assert office.session(sid).kf_account == "b@x"


def test_a_conversation_is_never_pinged_back_and_moves_twice_at_most(office: Office) -> None:
    names = [office.agent(f"k{n}@x") for n in range(5)]
    sid = office.says("o1").session_id
    owners = [office.session(sid).kf_account]
    for _ in range(4):
        unanswered_twice(office, sid)
        owners.append(office.session(sid).kf_account)
    assert len(set(owners[:3])) == 3 and set(owners) <= set(names)
    assert owners[2:] == [owners[2]] * 3


def test_an_answer_ends_the_deadline_and_a_new_question_begins_another(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.agent("b@x")
    office.replies(sid, "a@x")
    assert sweep_after(office, sid, 10 * REPLY_MS) == 0
    assert office.session(sid).asked_ms == 0
    office.says("o1", "还在吗")
    assert sweeps.run_timers(office.account, NOW) == 0
    assert sweep_after(office, sid, REPLY_MS) == 1
    assert office.session(sid).kf_account == "a@x"


def reply_due_ms(office: Office, session_id: str) -> float | None:
    timers = office.account.store.keys.of("timers")
    return office.account.queries._redis.zscore(timers, f"{session_id}:reply")


def test_a_conversation_that_waits_for_its_customer_has_no_reply_deadline(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.replies(sid, "a@x")
    assert reply_due_ms(office, sid) is None
    office.says("o1", "还在吗")
    due = reply_due_ms(office, sid)
    assert due == office.session(sid).asked_ms + REPLY_MS
    office.says("o1", "喂")
    assert reply_due_ms(office, sid) == due


def test_a_question_during_a_transfer_has_its_deadline_from_the_new_agent(office: Office) -> None:
    office.account = replace(
        office.account, policy=replace(office.account.policy, transfer_consent=True)
    )
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.agent("b@x")
    office.replies(sid, "a@x")
    transfers.transfer(office.account, sid, "a@x", "b@x", "", "")
    assert office.session(sid).state is State.TRANSFERING
    office.says("o1", "还在吗")
    assert reply_due_ms(office, sid) is None
    transfers.accept(office.account, sid, "b@x")
    assert reply_due_ms(office, sid) == office.session(sid).assigned_ms + REPLY_MS


def test_a_question_while_a_sweep_drops_the_deadline_of_the_last_one_keeps_its_own(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.replies(sid, "a@x")
    passed(office, sid, "reply", REPLY_MS)
    now_ms = office.account.store.now_ms()
    settle = office.account.store.settle_timers

    def late(later_ms: Any, seen_ms: int) -> Any:
        office.says("o1", "还在吗")
        return settle(later_ms, seen_ms)

    monkeypatch.setattr(office.account.store, "settle_timers", late)
    assert sweeps.run_timers(office.account, now_ms) == 0
    assert reply_due_ms(office, sid) == office.session(sid).asked_ms + REPLY_MS


def test_two_nodes_that_sweep_at_once_nudge_once(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    passed(office, sid, "reply", REPLY_MS)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: sweeps.run_timers(office.account, NOW), range(8)))
    assert lines(office, sid) == [("unanswered", "")]


def test_zero_switches_it_off(office: Office) -> None:
    office.account.store.deadlines = Deadlines(1_800_000, 86_400_000, 60_000, 0, 0)
    office.agent("a@x")
    sid = office.says("o1").session_id
    assert set(office.account.queries.due_timers(NOW, 10)) == {f"{sid}:idle"}
    assert sweep_after(office, sid, REPLY_MS) == 0
    assert lines(office, sid) == []


def test_who_waits_for_nobody_but_excluded_agents_is_given_to_them_again(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.agent("b@x")
    unanswered_twice(office, sid)
    office.vanishes("b@x")
    office.grace_over("b@x")
    sweeps.look_after_agents(office.account, 1)
    assert office.session(sid).state is State.WAITING
    sweeps.look_after_agents(office.account, 1)
    office.account.store.drain("a@x", [GROUP])
    session = office.session(sid)
    assert (session.state, session.kf_account) == (State.SERVING, "a@x")


def test_a_full_colleague_is_no_way_out(office: Office) -> None:
    office.agent("a@x", seats=1)
    sid = office.says("o1").session_id
    office.agent("b@x", seats=1)
    office.says("o2")
    unanswered_twice(office, sid)
    assert office.session(sid).kf_account == "a@x"


def test_served_for_too_long_goes_to_the_idlest_colleague_of_the_group(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.agent("busy@x", seats=3)
    office.says("o2")
    office.agent("idle@x", seats=3)
    office.agent("other@x", seats=9, groups=["premium_support"])
    passed(office, sid, "limit", 7_200_000)
    assert sweeps.run_timers(office.account, NOW) == 1
    session = office.session(sid)
    assert (session.kf_account, session.moves) == ("idle@x", 1)
    assert lines(office, sid)[-1] == ("moved", "served_long")


def test_served_for_too_long_with_nobody_free_stays_and_is_asked_again(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    passed(office, sid, "limit", 7_200_000)
    sweeps.run_timers(office.account, NOW)
    assert office.session(sid).kf_account == "a@x"
    assert f"{sid}:limit" in office.account.queries.due_timers(NOW, 10)


def test_the_reply_deadline_stands_from_the_oldest_unanswered_message(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    first = office.session(sid).asked_ms
    office.says("o1", "喂")
    assert office.session(sid).asked_ms == first
