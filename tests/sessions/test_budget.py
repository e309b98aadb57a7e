"""How the replies that several acts of a customer allow combine, under both rules and out of older data."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.budget import Budget, buckets_of, budget
from sessions.model import BudgetRule, Delivery, Trigger
from sessions.store.conversations import ReplyRefused
from sessions.store.keys import Keys
from sessions.store.outbox import Verdict
from sessions.store.scripts import Scripts
from simulator import budget as platform
from simulator.errors import ApiError
from tests.sessions.conftest import Bench

MINUTE_MS = 60_000
DAY_MS = 24 * 3_600_000
EVENTS = {"menu": "CLICK", "subscribe": "subscribe", "scan": "SCAN"}


def under(scripts: Scripts, rule: BudgetRule) -> Bench:
    return Bench(Scripts(scripts.client, rule), f"wx{secrets.token_hex(8)}")


def remaining(bench: Bench, openid: str = "o1") -> Budget:
    customer, now_ms = bench.store.customer(openid)
    return budget(customer.buckets, now_ms)


def act(bench: Bench, trigger: str, openid: str = "o1") -> None:
    number = str(next(bench.numbers))
    if trigger == "message":
        bench.arrive(bench.push(openid, msg_id=number), ["a@x"])
        return
    event = bench.push(openid, "", kind="event", type="event", event=EVENTS[trigger])
    bench.arrive(replace(event, dedup_key=f"e:{openid}:{number}"))


def stored(bench: Bench, **fields: int) -> None:
    """What a version of before wrote: a bucket for each trigger."""
    key = Keys(bench.appid).of("customer", "o1")
    values = {name.replace("_", "."): str(value) for name, value in fields.items()}
    bench.scripts.client.hset(key, mapping=values)  # type: ignore[arg-type]


def in_redis(bench: Bench) -> dict[str, str]:
    raw = bench.scripts.client.hgetall(Keys(bench.appid).of("customer", "o1"))
    return {
        name: value for name, value in raw.items() if name.endswith((".left", ".ends", ".pend"))
    }


@pytest.mark.parametrize(
    "others", [["menu"], ["subscribe"], ["scan"], ["subscribe", "menu", "scan"]]
)
def test_other_acts_add_nothing_to_what_a_message_allows(bench: Bench, others: list[str]) -> None:
    bench.agent("a@x")
    for trigger in others:
        act(bench, trigger)
    assert remaining(bench).remaining == 3
    act(bench, "message")
    for trigger in others:
        act(bench, trigger)
    assert remaining(bench).remaining == 5


def test_a_tap_raises_what_is_left_to_its_limit_and_keeps_the_longer_window(bench: Bench) -> None:
    bench.agent("a@x")
    act(bench, "message")
    sid = bench.store.customer("o1")[0].open_session
    ends_ms = remaining(bench).window_ends_ms
    for number in range(4):
        bench.reply(sid, "a@x", f"c{number}")
        claim = bench.outbox.claim(f"t{number}")
        assert claim and bench.outbox.settle(claim, Delivery.SENT, Verdict.SPENT, 0, "")
    assert remaining(bench).remaining == 1
    act(bench, "menu")
    assert remaining(bench) == Budget(3, ends_ms)


def test_under_the_rule_sum_each_act_has_its_own(scripts: Scripts) -> None:
    bench = under(scripts, BudgetRule.SUM)
    bench.agent("a@x")
    act(bench, "message")
    act(bench, "menu")
    assert remaining(bench).remaining == 8


def test_what_an_older_version_stored_is_read_and_merged_by_the_larger_value(bench: Bench) -> None:
    bench.agent("a@x")
    act(bench, "message")
    sid, now_ms = bench.store.customer("o1")[0].open_session, bench.store.customer("o1")[1]
    stored(bench, message_left=1, message_ends=now_ms + DAY_MS, message_pend=1)
    stored(bench, menu_left=3, menu_ends=now_ms + MINUTE_MS, menu_pend=0)
    stored(bench, scan_left=3, scan_ends=now_ms - 1, follow_left=2, follow_ends=now_ms + MINUTE_MS)
    assert remaining(bench) == Budget(3, now_ms + DAY_MS)
    bench.reply(sid, "a@x", "c1")
    assert in_redis(bench) == {
        "message.left": "2",
        "message.ends": str(now_ms + DAY_MS),
        "message.pend": "2",
    }
    assert remaining(bench) == Budget(2, now_ms + DAY_MS)


def test_a_message_window_that_is_over_leaves_only_the_live_tap(bench: Bench) -> None:
    bench.agent("a@x")
    act(bench, "message")
    sid, now_ms = bench.store.customer("o1")[0].open_session, bench.store.customer("o1")[1]
    stored(
        bench, message_left=4, message_ends=now_ms - 1, menu_left=1, menu_ends=now_ms + MINUTE_MS
    )
    assert remaining(bench) == Budget(1, now_ms + MINUTE_MS)
    bench.reply(sid, "a@x", "c1")
    with pytest.raises(ReplyRefused, match="reply_budget_spent"):
        bench.reply(sid, "a@x", "c2")


@pytest.mark.parametrize(
    ("verdict", "left", "pend"), [("spent", 2, 0), ("returned", 3, 0), ("none_left", 0, 0)]
)
def test_a_send_that_an_older_version_accepted_is_settled_in_the_one_pair(
    bench: Bench, verdict: str, left: int, pend: int
) -> None:
    """Its item in the outbox still names the trigger that paid."""
    bench.agent("a@x")
    act(bench, "message")
    sid, now_ms = bench.store.customer("o1")[0].open_session, bench.store.customer("o1")[1]
    bench.reply(sid, "a@x", "c1")
    queue = Keys(bench.appid).of("outbox", "o1")
    bench.scripts.client.lset(queue, 0, f"{sid} 2 0 menu")
    stored(bench, message_left=0, message_pend=0)
    stored(bench, menu_left=2, menu_ends=now_ms + MINUTE_MS, menu_pend=1)
    claim = bench.outbox.claim("t1")
    assert claim and bench.outbox.settle(claim, Delivery.SENT, Verdict(verdict), 0, "")
    found = in_redis(bench)
    assert (found["message.left"], found["message.pend"]) == (str(left), str(pend))
    assert not any(name.startswith("menu") for name in found)


def test_older_data_is_read_without_a_merge_under_the_rule_sum() -> None:
    raw = {"message.left": "2", "message.ends": "100", "menu.left": "3", "menu.ends": "50"}
    assert budget(buckets_of(raw, 10, BudgetRule.SUM), 10) == Budget(5, 100)
    assert budget(buckets_of(raw, 10, BudgetRule.MAX), 10) == Budget(3, 100)
    (one,) = buckets_of(raw, 60, BudgetRule.MAX)
    assert (one.trigger, one.left, one.ends_ms) == (Trigger.MESSAGE, 2, 100)


def next_ms(bench: Bench, after_ms: int) -> int:
    """Return Redis time, ms, once it is past ``after_ms``."""
    while (now_ms := bench.store.customer("o1")[1]) <= after_ms:
        pass
    return now_ms


ACTS = st.lists(st.sampled_from(["message", "menu", "subscribe", "scan", "reply"]), max_size=14)


@pytest.mark.parametrize("rule", list(BudgetRule))
def test_the_server_and_the_simulated_platform_count_alike(
    scripts: Scripts, rule: BudgetRule
) -> None:
    @settings(max_examples=40, deadline=None)
    @given(ACTS)
    def walk(acts: Sequence[str]) -> None:
        bench = under(scripts, rule)
        bench.agent("a@x")
        act(bench, "message")
        buckets: dict[str, platform.Bucket] = {}
        platform.refill(buckets, "message", bench.store.customer("o1")[1], rule.value)
        sid = bench.store.customer("o1")[0].open_session
        now_ms = 0
        for number, name in enumerate(acts):
            # Windows of equal length that begin in one millisecond end together: either may be spent first.
            now_ms = next_ms(bench, now_ms)
            if name != "reply":
                act(bench, name)
                platform.refill(buckets, name, now_ms, rule.value)
                continue
            try:
                platform.spend(buckets, now_ms)
            except ApiError:
                with pytest.raises(ReplyRefused):
                    bench.reply(sid, "a@x", f"c{number}")
                continue
            bench.reply(sid, "a@x", f"c{number}")
            claim = bench.outbox.claim(f"t{number}")
            assert claim and bench.outbox.settle(claim, Delivery.SENT, Verdict.SPENT, 0, "")
        assert remaining(bench).remaining == sum(bucket.left for bucket in buckets.values())

    walk()
