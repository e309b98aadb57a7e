"""Who follows, out of pushes that come late, again and in any order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sessions.budget import budget
from sessions.model import Inbound, Outcome
from sessions.store.keys import Keys
from tests.sessions.conftest import Bench


def event(bench: Bench, name: str, at_s: int) -> Inbound:
    push = bench.push("o1", "", kind="event", type="event", event=name, created_s=at_s)
    return replace(push, dedup_key=f"e:o1:{at_s}:{name}:")


def follows(bench: Bench, at_s: int) -> Outcome:
    return bench.arrive(event(bench, "subscribe", at_s))


def leaves(bench: Bench, at_s: int) -> Outcome:
    return bench.arrive(event(bench, "unsubscribe", at_s))


def writes(bench: Bench, at_s: int) -> Outcome:
    return bench.arrive(bench.push("o1", created_s=at_s), ["a@x"])


def standing(bench: Bench) -> tuple[bool | None, int]:
    customer, now_ms = bench.store.customer("o1")
    return customer.subscribed, budget(customer.buckets, now_ms).remaining


@pytest.fixture(autouse=True)
def _agent(bench: Bench) -> None:
    bench.agent("a@x")


def test_a_leaving_that_comes_after_a_later_word_is_history(bench: Bench) -> None:
    writes(bench, 100)
    assert leaves(bench, 99) == Outcome("noted")
    assert standing(bench)[1] == 5


def test_a_leaving_that_comes_after_a_later_following_is_history(bench: Bench) -> None:
    follows(bench, 100)
    leaves(bench, 99)
    assert standing(bench) == (True, 3)


def test_a_leaving_that_comes_in_its_order_takes_everything(bench: Bench) -> None:
    follows(bench, 100)
    writes(bench, 101)
    assert leaves(bench, 102).result == "appended"
    assert standing(bench) == (False, 0)


def test_a_following_that_comes_after_a_later_leaving_is_history(bench: Bench) -> None:
    follows(bench, 99)
    leaves(bench, 101)
    follows(bench, 100)
    assert standing(bench) == (False, 0)


def test_a_word_that_comes_after_a_later_leaving_is_stored_and_grants_nothing(bench: Bench) -> None:
    follows(bench, 99)
    leaves(bench, 101)
    told = writes(bench, 100)
    assert bench.texts(told.session_id) == ["你好"]
    assert standing(bench) == (False, 0)


@pytest.mark.parametrize("act", ["message", "CLICK", "SCAN"])
def test_what_only_a_follower_can_do_proves_one(bench: Bench, act: str) -> None:
    leaves(bench, 100)
    if act == "message":
        writes(bench, 101)
    else:
        bench.arrive(event(bench, act, 101))
    assert standing(bench)[0] is True


def test_a_report_about_a_message_proves_nothing(bench: Bench) -> None:
    leaves(bench, 100)
    bench.arrive(event(bench, "TEMPLATESENDJOBFINISH", 101))
    assert standing(bench) == (False, 0)


def test_acts_of_one_second_count_in_the_order_in_which_they_came(bench: Bench) -> None:
    writes(bench, 100)
    leaves(bench, 100)
    assert standing(bench) == (False, 0)
    writes(bench, 100)
    assert standing(bench) == (True, 5)


def test_following_leaving_and_following_within_one_second_is_following(bench: Bench) -> None:
    follows(bench, 100)
    leaves(bench, 100)
    again = follows(bench, 100)
    assert (again.repeated, again.notice) == (False, "greeting")
    assert standing(bench) == (True, 3)
    assert leaves(bench, 100).repeated
    assert standing(bench) == (True, 3)


def test_a_following_delivered_again_after_a_leaving_of_its_second_changes_nothing(
    bench: Bench,
) -> None:
    """The platform repeats after five seconds, never sooner."""
    first = follows(bench, 100)
    leaves(bench, 100)
    key = Keys(bench.appid).of("duplicate", "e:o1:100:subscribe:")
    bench.scripts.client.expire(key, 600 - 5)
    assert follows(bench, 100) == replace(first, repeated=True)
    assert standing(bench) == (False, 0)
