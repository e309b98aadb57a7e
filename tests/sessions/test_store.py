"""What the atomic steps promise, on the real Redis."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from sessions.budget import budget
from sessions.change import Change, Notice
from sessions.machine import Details, Event, apply, apply_all
from sessions.messages import SystemLine
from sessions.model import Conflict, Delivery, Outcome, State
from sessions.seats import Status
from sessions.store.conversations import NoRoom, ReplyRefused
from sessions.store.outbox import Verdict, pending_overlay
from tests.sessions.conftest import GROUP, Bench


def close(bench: Bench, session_id: str, **more: object) -> None:
    loaded = bench.store.load(session_id)
    after = apply(loaded.session, Event.CLOSED_BY_AGENT, loaded.now_ms, Details())
    bench.store.commit(Change(loaded.session, after, **more))  # type: ignore[arg-type]


def test_a_first_message_takes_a_seat_and_a_second_goes_to_the_same_conversation(
    bench: Bench,
) -> None:
    bench.agent("a@x")
    first = bench.arrive(bench.push("o1", "一"), ["a@x"])
    second = bench.arrive(bench.push("o1", "二"), ["a@x"])
    assert (first.result, first.kf_account, first.seq) == ("seated", "a@x", 1)
    assert (second.result, second.session_id, second.seq) == ("appended", first.session_id, 2)
    assert bench.texts(first.session_id) == ["一", "二"]
    assert bench.seats.held("a@x") == {first.session_id}


def test_every_delivery_of_a_push_gets_the_first_ones_outcome_and_is_stored_once(
    bench: Bench,
) -> None:
    bench.agent("a@x")
    push = bench.push("o1")
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda _: bench.arrive(push, ["a@x"]), range(24)))
    assert len({replace(outcome, repeated=False) for outcome in outcomes}) == 1
    assert sum(not outcome.repeated for outcome in outcomes) == 1
    assert bench.texts(outcomes[0].session_id) == ["你好"]


def test_the_same_msg_id_of_two_customers_is_two_messages(bench: Bench) -> None:
    bench.agent("a@x")
    one = bench.arrive(bench.push("o1", msg_id="77"), ["a@x"])
    two = bench.arrive(bench.push("o2", msg_id="77"), ["a@x"])
    assert one.session_id != two.session_id


def test_two_free_seats_and_twenty_customers_at_once_make_two_seated_and_eighteen_in_order(
    bench: Bench,
) -> None:
    bench.agent("a@x", seats=2)
    pushes = [bench.push(f"o{n}") for n in range(20)]
    with ThreadPoolExecutor(20) as threads:
        outcomes = list(threads.map(lambda push: bench.arrive(push, ["a@x"]), pushes))
    assert sum(o.result == "seated" for o in outcomes) == 2
    assert sorted(o.position for o in outcomes if o.result == "queued") == list(range(1, 19))
    assert bench.seats.crowd(GROUP, ["a@x"]).loads == {"a@x": 2}


def test_a_newcomer_does_not_pass_those_who_wait_even_when_a_seat_is_free(bench: Bench) -> None:
    waiting = bench.arrive(bench.push("o1"))
    bench.agent("a@x")
    newcomer = bench.arrive(bench.push("o2"), ["a@x"])
    assert (waiting.position, newcomer.position) == (1, 2)
    assert bench.store.drain("a@x", [GROUP]) == [waiting.session_id, newcomer.session_id]


def test_the_first_choice_never_holds_more_than_the_bounded_load_cap(bench: Bench) -> None:
    agents = [bench.agent("a@x", seats=10), bench.agent("b@x", seats=10)]
    for number in range(1, 9):
        bench.arrive(bench.push(f"o{number}"), agents)
        loads = bench.seats.crowd(GROUP, agents).loads
        assert max(loads.values()) <= math.ceil(1.25 * number / 2)
    assert loads == {"a@x": 5, "b@x": 3}


def test_a_free_seat_above_the_cap_is_used_rather_than_the_queue(bench: Bench) -> None:
    agents = [bench.agent("a@x", seats=10), bench.agent("b@x", seats=1)]
    results = [bench.arrive(bench.push(f"o{n}"), agents).result for n in range(6)]
    assert results == ["seated"] * 6


def test_a_full_queue_keeps_the_message_and_closes(bench: Bench) -> None:
    bench.arrive(bench.push("o1"), queue_max=1)
    refused = bench.arrive(bench.push("o2", "有人吗"), queue_max=1)
    session = bench.store.load(refused.session_id).session
    assert (refused.result, refused.notice) == ("queue_full", "queue_full")
    assert (session.state, session.close_reason) == (State.CLOSED, "queue_full")
    assert bench.texts(refused.session_id) == ["有人吗"]
    assert bench.store.customer("o2")[0].open_session == ""


def test_draining_follows_the_order_over_the_groups_of_the_agent_and_skips_who_declined(
    bench: Bench,
) -> None:
    waiting = [bench.arrive(bench.push(f"o{n}")).session_id for n in range(3)]
    key = bench.store.keys.of("session", waiting[0])
    bench.scripts.client.hset(key, "exclude", "a@x")
    bench.agent("a@x", seats=5)
    assert bench.store.drain("a@x", ["elsewhere", GROUP]) == waiting[1:]


def test_an_agent_who_is_away_is_given_nobody(bench: Bench) -> None:
    bench.agent("a@x")
    bench.seats.set_status("a@x", Status.AWAY, refuse_while_holding=False)
    assert bench.arrive(bench.push("o1"), ["a@x"]).result == "queued"
    assert bench.store.drain("a@x", [GROUP]) == []


def test_a_commit_on_an_old_version_is_refused_and_changes_nothing(bench: Bench) -> None:
    bench.agent("a@x")
    sid = bench.arrive(bench.push("o1"), ["a@x"]).session_id
    stale = bench.store.load(sid)
    close(bench, sid)
    after = apply(stale.session, Event.CLOSED_BY_SUPERVISOR, stale.now_ms, Details())
    with pytest.raises(Conflict):
        bench.store.commit(Change(stale.session, after))
    assert bench.store.load(sid).session.close_reason == "agent"


def test_a_timers_close_is_refused_when_the_customer_wrote_meanwhile(bench: Bench) -> None:
    bench.agent("a@x")
    sid = bench.arrive(bench.push("o1"), ["a@x"]).session_id
    seen = bench.store.load(sid)
    bench.arrive(bench.push("o1", "还在吗"))
    after = apply(seen.session, Event.IDLE, seen.now_ms, Details())
    with pytest.raises(Conflict):
        bench.store.commit(Change(seen.session, after, guard_in_seq=True))
    assert bench.store.load(sid).session.is_open


def test_a_message_and_the_sweep_at_the_same_moment_never_leave_a_closed_unread_message(
    bench: Bench,
) -> None:
    bench.agent("a@x", seats=1000)

    def meet(number: int) -> tuple[str, Outcome]:
        openid = f"o{number}"
        sid = bench.arrive(bench.push(openid), ["a@x"]).session_id
        seen = bench.store.load(sid)
        after = apply(seen.session, Event.IDLE, seen.now_ms, Details())

        def sweep() -> None:
            try:
                bench.store.commit(Change(seen.session, after, guard_in_seq=True))
            except Conflict:
                return

        with ThreadPoolExecutor(2) as threads:
            swept = threads.submit(sweep)
            outcome = threads.submit(bench.arrive, bench.push(openid, "急"), ["a@x"]).result()
            swept.result()
        return sid, outcome

    for number in range(100):
        sid, outcome = meet(number)
        session = bench.store.load(outcome.session_id).session
        assert session.is_open
        old = bench.store.load(sid).session
        assert old.is_open or outcome.session_id != sid


def test_a_repeated_commit_returns_the_first_result_and_writes_nothing_more(bench: Bench) -> None:
    bench.agent("a@x")
    sid = bench.arrive(bench.push("o1"), ["a@x"]).session_id
    loaded = bench.store.load(sid)
    after = apply(loaded.session, Event.CLOSED_BY_AGENT, loaded.now_ms, Details())
    change = Change(loaded.session, after, lines=(SystemLine("closed"),))
    bench.store.commit(change, "operation-1")
    before = bench.store.load(sid).session
    bench.store.commit(change, "operation-1")
    assert bench.store.load(sid).session == before


def test_a_transfer_to_a_full_agent_is_refused_and_keeps_the_owner(bench: Bench) -> None:
    bench.agent("a@x")
    bench.agent("b@x", seats=1)
    bench.arrive(bench.push("o0"), ["b@x"])
    sid = bench.arrive(bench.push("o1"), ["a@x"]).session_id
    loaded = bench.store.load(sid)
    steps = [
        (Event.TRANSFER_ASKED, Details(kf_account="b@x")),
        (Event.TRANSFER_CONFIRMED, Details()),
    ]
    after = apply_all(loaded.session, steps, loaded.now_ms)
    with pytest.raises(NoRoom):
        bench.store.commit(Change(loaded.session, after))
    assert bench.store.load(sid).session == loaded.session


def test_a_former_owner_can_send_nothing(bench: Bench) -> None:
    bench.agent("a@x")
    sid = bench.arrive(bench.push("o1"), ["a@x"]).session_id
    with pytest.raises(ReplyRefused, match="not_owner"):
        bench.reply(sid, "b@x", "c1")
    close(bench, sid)
    with pytest.raises(ReplyRefused, match="closed"):
        bench.reply(sid, "a@x", "c2")


def test_the_same_client_id_is_one_message_and_another_content_under_it_is_refused(
    bench: Bench,
) -> None:
    bench.agent("a@x")
    sid = bench.arrive(bench.push("o1"), ["a@x"]).session_id
    first, again = bench.reply(sid, "a@x", "c1"), bench.reply(sid, "a@x", "c1")
    assert (first.repeated, again.repeated, first.seq) == (False, True, again.seq)
    with pytest.raises(ReplyRefused, match="other_content"):
        bench.reply(sid, "a@x", "c1", "别的")
    assert bench.texts(sid) == ["你好", "好"]


def test_five_replies_are_allowed_and_the_sixth_is_refused_until_the_customer_writes(
    bench: Bench,
) -> None:
    bench.agent("a@x")
    sid = bench.arrive(bench.push("o1"), ["a@x"]).session_id
    for number in range(5):
        bench.reply(sid, "a@x", f"c{number}")
    with pytest.raises(ReplyRefused, match="reply_budget_spent"):
        bench.reply(sid, "a@x", "c5")
    for _ in range(5):
        send(bench, Delivery.SENT, Verdict.SPENT)
    bench.arrive(bench.push("o1"))
    bench.reply(sid, "a@x", "c6")


def test_a_refill_counts_what_is_still_to_be_sent_and_a_duplicate_refills_nothing(
    bench: Bench,
) -> None:
    bench.agent("a@x")
    sid = bench.arrive(bench.push("o1"), ["a@x"]).session_id
    bench.reply(sid, "a@x", "c1")
    again = bench.push("o1", "二")
    bench.arrive(again)
    assert left(bench, "o1") == 4
    bench.reply(sid, "a@x", "c2")
    bench.arrive(again)
    assert left(bench, "o1") == 3


def test_what_the_platform_surely_did_not_take_is_given_back(bench: Bench) -> None:
    bench.agent("a@x")
    sid = bench.arrive(bench.push("o1"), ["a@x"]).session_id
    bench.reply(sid, "a@x", "c1")
    send(bench, Delivery.FAILED, Verdict.RETURNED)
    assert left(bench, "o1") == 5


def test_45047_leaves_no_reply_whatever_we_counted(bench: Bench) -> None:
    bench.agent("a@x")
    sid = bench.arrive(bench.push("o1"), ["a@x"]).session_id
    bench.reply(sid, "a@x", "c1")
    send(bench, Delivery.FAILED, Verdict.NONE_LEFT)
    assert left(bench, "o1") == 0


def test_leaving_the_account_takes_every_reply_away(bench: Bench) -> None:
    bench.agent("a@x")
    bench.arrive(bench.push("o1"), ["a@x"])
    gone = bench.push("o1", "", kind="event", type="event", event="unsubscribe")
    bench.arrive(replace(gone, dedup_key="e:o1:2"))
    customer, _ = bench.store.customer("o1")
    assert (left(bench, "o1"), customer.subscribed) == (0, False)


def test_an_event_that_opens_nothing_leaves_only_its_outcome(bench: Bench) -> None:
    follow = bench.push("o1", "", kind="event", type="event", event="subscribe")
    outcome = bench.arrive(replace(follow, dedup_key="e:o1:3"))
    assert (outcome.result, outcome.notice, outcome.session_id) == ("noted", "greeting", "")
    assert bench.queries.live(0, 10) == []
    assert left(bench, "o1") == 3


def test_replies_to_one_customer_are_sent_one_at_a_time_and_in_order(bench: Bench) -> None:
    bench.agent("a@x")
    sid = bench.arrive(bench.push("o1"), ["a@x"]).session_id
    for text in ("一", "二"):
        bench.reply(sid, "a@x", f"c-{text}", text)
    first = bench.outbox.claim("t1")
    assert first is not None and first.message is not None
    assert first.message["text"] == "一"
    assert bench.outbox.claim("t2") is None
    assert bench.outbox.settle(first, Delivery.SENT, Verdict.SPENT, 0, "")
    second = bench.outbox.claim("t3")
    assert second is not None and second.message is not None
    assert second.message["text"] == "二"


def test_a_failed_head_does_not_block_the_next_but_a_retried_one_does(bench: Bench) -> None:
    bench.agent("a@x")
    sid = bench.arrive(bench.push("o1"), ["a@x"]).session_id
    for number in range(2):
        bench.reply(sid, "a@x", f"c{number}", f"文{number}")
    head = bench.outbox.claim("t1")
    assert head is not None
    assert bench.outbox.again(head, 0)
    retried = bench.outbox.claim("t2")
    assert retried is not None and retried.message is not None
    assert (retried.message["text"], retried.attempts) == ("文0", 1)
    bench.outbox.settle(retried, Delivery.FAILED, Verdict.RETURNED, 40003, "无效")
    following = bench.outbox.claim("t3")
    assert following is not None and following.message is not None
    assert following.message["text"] == "文1"


def test_a_send_whose_node_died_becomes_unknown_and_is_never_sent_again_by_itself(
    bench: Bench,
) -> None:
    bench.agent("a@x")
    sid = bench.arrive(bench.push("o1"), ["a@x"]).session_id
    for number in range(2):
        bench.reply(sid, "a@x", f"c{number}", f"文{number}")
    lost = bench.outbox.claim("t1")
    assert lost is not None
    end_lease(bench, "o1")
    following = bench.outbox.claim("t2")
    assert following is not None and following.message is not None
    assert following.message["text"] == "文1"
    unknown = bench.queries.message(sid, 2)
    assert unknown is not None and unknown["status"] == "unknown"
    assert not bench.outbox.settle(lost, Delivery.SENT, Verdict.SPENT, 0, "")
    assert [ident for ident, _ in bench.queries.dead_letters(10)] == [f"{sid}.2"]


def test_an_unknown_message_is_sent_again_when_a_person_asks_and_only_once(bench: Bench) -> None:
    bench.agent("a@x")
    sid = bench.arrive(bench.push("o1"), ["a@x"]).session_id
    bench.reply(sid, "a@x", "c1", "一")
    send(bench, Delivery.UNKNOWN, Verdict.SPENT)
    bench.store.resend(sid, 2, "a@x", pending_overlay(), "op1")
    bench.store.resend(sid, 2, "a@x", pending_overlay(), "op1")
    send(bench, Delivery.SENT, Verdict.SPENT)
    assert bench.outbox.claim("again") is None
    with pytest.raises(ReplyRefused, match="not_resendable"):
        bench.store.resend(sid, 2, "a@x", pending_overlay(), "op2")


def test_a_closing_notice_is_sent_with_two_replies_left_and_noted_with_one(bench: Bench) -> None:
    bench.agent("a@x")
    for openid, used in (("rich", 3), ("poor", 4)):
        sid = bench.arrive(bench.push(openid), ["a@x"]).session_id
        for number in range(used):
            bench.reply(sid, "a@x", f"c{number}")
            send(bench, Delivery.SENT, Verdict.SPENT)
        close(bench, sid, notice=Notice("再见", 2))
        last = bench.queries.messages(sid, 0, 50)[-1]
        assert last["direction"] == ("out" if openid == "rich" else "system")


def test_a_closed_conversation_is_forgotten_only_unchanged_and_with_nothing_to_send(
    bench: Bench,
) -> None:
    bench.agent("a@x")
    sid = bench.arrive(bench.push("o1"), ["a@x"]).session_id
    bench.reply(sid, "a@x", "c1")
    close(bench, sid)
    rev = bench.store.load(sid).session.rev
    assert bench.store.forget_all({sid: rev}) == set()  # a message of it is still to be sent
    send(bench, Delivery.SENT, Verdict.SPENT)
    assert bench.store.forget_all({sid: rev}) == set()  # it was sent, which SQL has not heard of
    assert bench.store.forget_all({sid: bench.store.load(sid).session.rev}) == {sid}
    assert bench.queries.rows([sid]) == []


def test_going_offline_with_open_conversations_is_refused_with_their_number(bench: Bench) -> None:
    bench.agent("a@x")
    bench.arrive(bench.push("o1"), ["a@x"])
    assert bench.seats.set_status("a@x", Status.OFFLINE, refuse_while_holding=True) == ("busy", 1)
    assert bench.seats.read(["a@x"])[0].status is Status.ONLINE


def test_a_lease_keeps_an_agent_present_until_it_runs_out(bench: Bench) -> None:
    bench.agent("a@x")
    assert bench.seats.absent([]).keys() == {"a@x"}
    bench.seats.lease(["a@x"], [], "node1", 60_000)
    assert (bench.seats.leased(), bench.seats.absent([])) == (frozenset({"a@x"}), {})
    bench.seats.lease([], ["a@x"], "node1", 60_000)
    assert bench.seats.leased() == frozenset()


def left(bench: Bench, openid: str) -> int:
    customer, now_ms = bench.store.customer(openid)
    return budget(customer.buckets, now_ms).remaining


def send(bench: Bench, status: Delivery, verdict: Verdict) -> None:
    claim = bench.outbox.claim(str(next(bench.numbers)))
    assert claim is not None
    assert bench.outbox.settle(claim, status, verdict, 0, "" if status is Delivery.SENT else "原因")


def end_lease(bench: Bench, openid: str) -> None:
    bench.scripts.client.zadd(bench.outbox.keys.of("outbox_due"), {openid: 0})


def test_the_mean_handling_time_is_of_those_who_were_served_and_follows_the_last_ones(
    bench: Bench,
) -> None:
    client, keys = bench.scripts.client, bench.store.keys
    waited = bench.arrive(bench.push("o0")).session_id
    loaded = bench.store.load(waited)
    left = apply(loaded.session, Event.CLOSED_BY_CUSTOMER, loaded.now_ms, Details())
    bench.store.commit(Change(loaded.session, left))
    assert client.hgetall(keys.of("handling")) == {}
    bench.agent("a@x", seats=5)
    for openid, minutes in (("o1", 10), ("o2", 20)):
        sid = bench.arrive(bench.push(openid), ["a@x"]).session_id
        since_ms = bench.store.customer(openid)[1] - minutes * 60_000
        client.hset(keys.of("session", sid), "first_assigned_ms", since_ms)
        close(bench, sid)
    mean_ms, count = client.hmget(keys.of("handling"), f"{GROUP}:ms", f"{GROUP}:n")
    assert (round(int(mean_ms or 0) / 60_000), count) == (15, "2")
