"""Sweeps and the archive over many conversations: few round trips, and nobody suffers for another."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from app.account import FILLING_AT_ONCE
from app.conversations import archiving, closing
from app.conversations.seating import TOGETHER, drain
from app.conversations.timers import batch
from app.conversations.timers import sweep as sweeps
from app.storage.records import Closed
from app.storage.sql import StorageError
from sessions.change import Change
from sessions.deadlines import RETRY_MS
from sessions.model import State, StoreDown
from tests.conversations.clockwork import passed
from tests.conversations.conftest import Office
from tests.support import wait_until

NOW = 2**53


def served(office: Office, count: int) -> list[str]:
    office.agent("a@x", seats=count)
    return [office.says(f"o{n}").session_id for n in range(count)]


def commands(office: Office) -> int:
    stats: Any = office.account.queries._redis.info("stats")
    return int(stats["total_reads_processed"])


def test_idle_conversations_are_read_together_and_cost_a_round_trip_each(office: Office) -> None:
    sids = served(office, 60)
    for sid in sids:
        office.timer_due(sid, "idle")
    before = commands(office)
    assert sweeps.run_timers(office.account, NOW) == 60
    assert 60 <= commands(office) - before < 60 + 20
    assert {office.session(sid).state for sid in sids} == {State.CLOSED}
    assert {office.session(sid).close_reason for sid in sids} == {"idle_unanswered"}


def test_who_comes_while_others_wait_costs_no_second_look_at_the_agents(office: Office) -> None:
    for number in range(20):
        office.agent(f"a{number}@x", seats=1)
    for number in range(21):
        office.says(f"o{number}")
    before = commands(office)
    assert office.says("o21").position == 2
    own = 1  # the count's own question
    assert commands(office) - before - own == 3


def test_while_many_seats_are_filled_another_agent_has_his_first_customers_at_once(
    office: Office,
) -> None:
    for number in range(12):
        office.says(f"o{number}")
    office.agent("a@x", seats=0)
    office.account.seats.put("a@x", "a@x", 10, ())
    with ThreadPoolExecutor(1) as pool:
        with ExitStack() as others_fill_theirs:
            for _ in range(FILLING_AT_ONCE):
                others_fill_theirs.enter_context(office.account.filling)
            seated = pool.submit(drain, office.account, "a@x")
            wait_until(lambda: len(office.account.seats.held("a@x")) == TOGETHER)
            assert not seated.done()
        assert len(seated.result(5)) == 10


def rings_early(office: Office, session_id: str, timer: str) -> None:
    keys = office.account.store.keys
    office.account.queries._redis.zadd(keys.of("timers"), {f"{session_id}:{timer}": 1}, xx=True)


def test_timers_that_rang_early_are_set_anew_together(office: Office) -> None:
    sids = served(office, 60)
    for sid in sids:
        rings_early(office, sid, "idle")
    for sid in sids[:3]:
        rings_early(office, sid, "reply")
    now_ms = office.account.store.now_ms()
    assert len(office.account.queries.due_timers(now_ms, 100)) == 63
    before = commands(office)
    assert sweeps.run_timers(office.account, now_ms) == 0
    assert commands(office) - before < 30
    assert office.account.queries.due_timers(now_ms, 100) == []
    assert {office.session(sid).state for sid in sids} == {State.SERVING}


def unanswered(office: Office, session_ids: Sequence[str]) -> None:
    for sid in session_ids:
        passed(office, sid, "reply", 180_000)


def test_agents_who_do_not_answer_are_reminded_eight_to_a_round_trip(office: Office) -> None:
    sids = served(office, 60)
    unanswered(office, sids)
    now_ms = office.account.store.now_ms()
    before = commands(office)
    assert sweeps.run_timers(office.account, now_ms) == 60
    assert commands(office) - before < 8 + 20
    assert all(office.session(sid).nudged_ms for sid in sids)


def test_an_idle_conversation_ends_in_the_sweep_in_which_its_reminder_is_due(
    office: Office,
) -> None:
    """The agent is not reminded of a conversation that the same sweep closes."""
    (sid,) = served(office, 1)
    office.timer_due(sid, "idle")
    unanswered(office, [sid])
    keys = office.account.store.keys
    office.account.queries._redis.zadd(keys.of("timers"), {f"{sid}:reply": 0})
    assert sweeps.run_timers(office.account, NOW) == 1
    assert office.session(sid).state is State.CLOSED
    assert office.session(sid).nudged_ms == 0


def test_where_nobody_has_room_that_is_asked_once_for_all_who_should_move(office: Office) -> None:
    sids = served(office, 60)
    unanswered(office, sids)
    sweeps.run_timers(office.account, NOW)
    unanswered(office, sids)
    now_ms = office.account.store.now_ms()
    before = commands(office)
    assert sweeps.run_timers(office.account, now_ms) == 0
    assert commands(office) - before < 30
    assert {office.session(sid).kf_account for sid in sids} == {"a@x"}
    again = now_ms + RETRY_MS
    assert office.account.queries.due_timers(again - 1_000, 100) == []
    assert len(office.account.queries.due_timers(again + 10_000, 100)) == 60


def overdue_reminders(office: Office, session_ids: Sequence[str]) -> None:
    """Reminders that fell due long before everything else."""
    keys = office.account.store.keys
    members: dict[str, float] = {f"{sid}:reply": n for n, sid in enumerate(session_ids)}
    office.account.queries._redis.zadd(keys.of("timers"), members)


def test_closings_wait_for_no_backlog_of_reminders(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "PAGE", 10)
    monkeypatch.setattr(sweeps, "REMINDERS_MAX", 5)
    sids = served(office, 60)
    unanswered(office, sids[:50])
    overdue_reminders(office, sids[:50])
    for sid in sids[50:]:
        office.timer_due(sid, "idle")
    now_ms = office.account.store.now_ms()
    assert sweeps.run_timers(office.account, now_ms) == 10 + 5
    assert {office.session(sid).state for sid in sids[50:]} == {State.CLOSED}
    assert sum(office.session(sid).nudged_ms > 0 for sid in sids[:50]) == 5


def test_a_sweep_goes_on_until_no_reminder_is_due(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "REMINDERS_MAX", 20)
    sids = served(office, 60)
    unanswered(office, sids)
    sweeps.run_all_timers(office.account)
    assert all(office.session(sid).nudged_ms for sid in sids)


def test_a_conversation_that_nobody_can_take_is_tried_again_at_growing_pauses(
    office: Office,
) -> None:
    (sid,) = served(office, 1)
    unanswered(office, [sid])
    sweeps.run_timers(office.account, NOW)
    pauses = list[int]()
    for more_ms in (180_000, 100_000, 300_000, 800_000):
        passed(office, sid, "reply", more_ms)
        now_ms = office.account.store.now_ms()
        sweeps.run_timers(office.account, now_ms)
        timers = office.account.store.keys.of("timers")
        due = office.account.queries._redis.zscore(timers, f"{sid}:reply")
        pauses.append(round((due - now_ms) / 1000))
    assert pauses == [30, 50, 200, 300]


def test_a_pass_tries_a_bounded_number_of_moves_and_the_others_later(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch.Rooms.__init__, "__defaults__", (5,))
    sids = served(office, 30)
    unanswered(office, sids)
    sweeps.run_timers(office.account, NOW)
    unanswered(office, sids)
    office.agent("b@x", seats=100)
    now_ms = office.account.store.now_ms()
    sweeps.run_timers(office.account, now_ms)
    owners = [office.session(sid).kf_account for sid in sids]
    assert owners.count("b@x") == 5
    due = office.account.queries.due_timers(now_ms + RETRY_MS + 10_000, 1_000)
    stayed = {sid for sid, owner in zip(sids, owners, strict=True) if owner == "a@x"}
    assert {f"{sid}:reply" for sid in stayed} <= set(due)


def test_a_refused_settlement_is_tried_alone_and_not_taken_for_done(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sid,) = served(office, 1)
    rings_early(office, sid, "idle")
    now_ms = office.account.store.now_ms()
    scripts = office.account.store._scripts
    monkeypatch.setattr(scripts, "run_many", lambda name, prefix, calls: [None for _ in calls])
    assert sweeps.run_timers(office.account, now_ms) == 0
    assert office.account.queries.due_timers(now_ms, 100) == []


def test_a_customer_who_writes_while_many_are_closed_keeps_his_conversation(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    sids = served(office, 5)
    for sid in sids:
        office.timer_due(sid, "idle")
    commit, wrote = office.account.store.commit, list[str]()

    def late(change: Change) -> None:
        if not wrote:
            wrote.append(office.says("o2", "还在吗").session_id)
        commit(change)

    monkeypatch.setattr(office.account.store, "commit", late)
    assert sweeps.run_timers(office.account, NOW) == 4
    states = [office.session(sid).state for sid in sids]
    assert [n for n, state in enumerate(states) if state is State.SERVING] == [2]


def test_the_archive_waits_for_a_sweep_but_not_for_ever(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = served(office, 2)
    closing.close_by_supervisor(office.account, first, "lead")
    office.timer_due(second, "idle")
    commit, archived = office.account.store.commit, list[int]()

    def beside_the_archive(change: Change) -> None:
        monkeypatch.setattr("app.conversations.archiving.PATIENCE_S", 0.01)
        assert not sweeps.AT_REST.is_set()
        archived.append(archiving.archive_closed(office.account))
        commit(change)

    monkeypatch.setattr(office.account.store, "commit", beside_the_archive)
    assert sweeps.run_timers(office.account, NOW) == 1
    assert archived == [1]
    assert sweeps.AT_REST.is_set()


def test_a_sweep_that_fails_holds_the_archive_up_no_longer(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> list[str]:
        raise StoreDown

    monkeypatch.setattr(office.account.queries, "due_timers", down)
    with pytest.raises(StoreDown):
        sweeps.run_timers(office.account, NOW)
    assert sweeps.AT_REST.is_set()


def test_freed_seats_go_to_those_who_wait_at_once(office: Office) -> None:
    sids = served(office, 3)
    waiting = [office.says(f"w{n}").session_id for n in range(3)]
    for sid in sids:
        office.timer_due(sid, "idle")
    sweeps.run_timers(office.account, NOW)
    assert {office.session(sid).state for sid in waiting} == {State.SERVING}


def test_a_conversation_the_database_refuses_keeps_no_other_out_of_the_archive(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    sids = served(office, 4)
    for sid in sids:
        closing.close_by_supervisor(office.account, sid, "lead")
    archive_all = office.account.records.archive_all

    def refuses_one(appid: str, closed: Sequence[Closed]) -> None:
        if any(one.session["id"] == sids[1] for one in closed):
            raise StorageError("the database refused")
        archive_all(appid, closed)

    monkeypatch.setattr(office.account.records, "archive_all", refuses_one)
    assert archiving.archive_closed(office.account) == 3
    assert [s.id for s in office.account.queries.sessions(sids)] == [sids[1]]


def test_every_message_of_a_long_conversation_is_archived(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.conversations.archiving.PAGE", 4)
    (sid,) = served(office, 1)
    for number in range(9):
        office.says("o0", f"第{number}句")
    closing.close_by_supervisor(office.account, sid, "lead")
    assert archiving.archive_closed(office.account) == 1
    kept = office.account.records.messages(office.account.appid, sid, 0, 100)
    assert [m["seq"] for m in kept] == list(range(1, len(kept) + 1))
    assert [m["text"] for m in kept if m["direction"] == "in"][1:] == [f"第{n}句" for n in range(9)]
