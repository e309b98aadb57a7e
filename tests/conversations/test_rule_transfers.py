"""A customer's word, a badly rated agent: rules that move a conversation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.conversations import arrivals, rule_transfers, supervision
from routing.transfer_rules import Keyword, TransferRules
from sessions.model import State
from tests.conversations.conftest import GROUP, Office

RULES = TransferRules((Keyword(("投诉",), "premium_support"),), rating_below=3.0)


@pytest.fixture
def ruled(office: Office) -> Iterator[Office]:
    office.account = replace(office.account, transfer_rules=lambda: RULES)
    yield office


def test_a_complaint_goes_to_the_group_the_rule_names(ruled: Office) -> None:
    ruled.agent("a@x")
    sid = ruled.says("o1").session_id
    ruled.agent("lead@x", groups=["premium_support"])
    ruled.agent("b@x")
    assert ruled.says("o1", "我要投诉！").result == "appended"
    session = ruled.session(sid)
    assert (session.kf_account, session.group) == ("lead@x", "premium_support")
    assert (session.state, session.moves) == (State.SERVING, 1)


def test_a_delivery_repeated_by_the_platform_moves_nothing_twice(ruled: Office) -> None:
    ruled.agent("a@x")
    sid = ruled.says("o1").session_id
    ruled.agent("lead@x", groups=["premium_support"])
    push = ruled.push("o1", "投诉")
    for _ in range(3):
        arrivals.receive(ruled.account, push)
    assert ruled.session(sid).moves == 1


@pytest.mark.parametrize("seats", [0, 1])
def test_a_group_that_is_full_or_away_leaves_the_customer_with_his_agent(
    ruled: Office, seats: int
) -> None:
    ruled.agent("a@x")
    sid = ruled.says("o1").session_id
    ruled.agent("lead@x", seats=seats, groups=["premium_support"])
    if seats:
        taken = ruled.says("o2", "找主管").session_id
        supervision.assign(ruled.account, taken, "lead@x", "boss", "test")
    ruled.says("o1", "投诉")
    assert ruled.session(sid).kf_account == "a@x"


def test_an_agent_who_serves_the_named_group_already_keeps_the_customer(ruled: Office) -> None:
    ruled.agent("a@x", groups=[GROUP, "premium_support"])
    sid = ruled.says("o1").session_id
    ruled.agent("lead@x", groups=["premium_support"])
    ruled.says("o1", "投诉")
    assert ruled.session(sid).kf_account == "a@x"


def test_conversations_of_an_agent_rated_below_the_threshold_go_to_a_better_one(
    ruled: Office,
) -> None:
    ruled.agent("bad@x")
    sid = ruled.says("o1").session_id
    ruled.agent("worse@x")
    ruled.agent("good@x")
    for name, score in (("bad@x", 1), ("worse@x", 2), ("good@x", 5)):
        for _ in range(rule_transfers.RATED_MIN):
            ruled.account.seats.rate(name, score)
    assert rule_transfers.move_from_badly_rated(ruled.account) == 1
    assert ruled.session(sid).kf_account == "good@x"


def test_a_few_ratings_say_nothing_yet(ruled: Office) -> None:
    ruled.agent("new@x")
    sid = ruled.says("o1").session_id
    ruled.agent("good@x")
    ruled.account.seats.rate("new@x", 1)
    assert rule_transfers.move_from_badly_rated(ruled.account) == 0
    assert ruled.session(sid).kf_account == "new@x"
