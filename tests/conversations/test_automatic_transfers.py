"""A customer's word, a badly rated agent: rules that move a conversation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.conversations import arrivals, closing, picks, supervision
from app.conversations import automatic_transfers as rule_transfers
from routing.hours import hours_from
from routing.rules import Rule
from routing.transfer_rules import Keyword, TransferRules
from sessions.model import State
from tests.conversations.conftest import GROUP, PLAN, Office

LEADS = "premium_support"
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
        for _ in range(picks.RATED_MIN):
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


def test_one_who_waits_goes_to_the_named_groups_queue_at_the_place_of_his_time(
    ruled: Office,
) -> None:
    ruled.agent("lead@x", seats=1, groups=["premium_support"])
    ruled.agent("a@x", seats=1)
    ruled.says("busy")
    waits = ruled.says("o1")
    ruled.says("o2")
    ruled.plans.append(replace(PLAN, routing=replace(PLAN.routing, default_group=LEADS)))
    served, later = ruled.says("vip1"), ruled.says("vip2")
    ruled.plans.append(PLAN)
    assert (served.kf_account, later.position) == ("lead@x", 1)
    assert ruled.says("o1", "我要投诉").result == "appended"
    session = ruled.session(waits.session_id)
    assert (session.state, session.group, session.moves) == (State.WAITING, LEADS, 1)
    assert ruled.account.queries.waiting([LEADS], 9) == [waits.session_id, later.session_id]
    assert len(ruled.account.queries.waiting([GROUP], 9)) == 1
    why = json.loads(ruled.account.queries.card(waits.session_id) or "{}")
    assert (why["group"], why["reason"], why["chosen"]) == (LEADS, "keyword", None)
    assert why["before"]["group"] == GROUP
    closing.close_by_agent(ruled.account, served.session_id, "lead@x")
    assert ruled.session(waits.session_id).kf_account == "lead@x"


def test_one_who_waits_is_seated_at_once_where_the_named_group_has_room(ruled: Office) -> None:
    ruled.agent("a@x", seats=1)
    ruled.says("busy")
    waits = ruled.says("o1").session_id
    ruled.agent("lead@x", groups=[LEADS])
    push = ruled.push("o1", "投诉")
    for _ in range(3):
        arrivals.receive(ruled.account, push)
    session = ruled.session(waits)
    assert (session.kf_account, session.group, session.moves) == ("lead@x", LEADS, 1)


def test_the_first_message_may_name_the_group(ruled: Office) -> None:
    ruled.agent("a@x")
    ruled.agent("lead@x", groups=[LEADS])
    told = ruled.says("o1", "我要投诉！")
    assert (told.result, told.kf_account) == ("seated", "lead@x")
    card = json.loads(ruled.account.queries.card(told.session_id) or "{}")
    assert (card["named"], card["group"], card["chosen"]) == (LEADS, LEADS, "lead@x")
    assert ruled.session(told.session_id).moves == 0


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("why", ["nobody is there", "closed"])
def test_a_word_leads_to_no_group_that_takes_nobody_now(
    ruled: Office, why: str, first: bool
) -> None:
    ruled.agent("a@x", seats=1)
    ruled.says("busy")
    ruled.agent("lead@x", groups=[LEADS])
    if why == "closed":
        hours = hours_from({"weekly": {}}, "Asia/Shanghai")
        leads = replace(PLAN.group(LEADS), hours=hours)
        ruled.plans.append(replace(PLAN, groups={**PLAN.groups, LEADS: leads}))
    else:
        ruled.vanishes("lead@x")
    words = ["投诉"] if first else ["你好", "投诉"]
    sid = [ruled.says("o1", text).session_id for text in words][-1]
    session = ruled.session(sid)
    assert (session.state, session.group, session.moves) == (State.WAITING, GROUP, 0)


def test_a_word_for_the_default_group_takes_nobody_out_of_the_group_of_his_facts(
    ruled: Office,
) -> None:
    rules = TransferRules((Keyword(("转人工",), GROUP),))
    ruled.account = replace(ruled.account, transfer_rules=lambda: rules)
    ruled.agent("a@x")
    ruled.agent("lead@x", groups=[LEADS])
    vip = (Rule(LEADS, 10),)
    ruled.plans.append(replace(PLAN, routing=replace(PLAN.routing, rules=vip)))
    told = ruled.says("o1", "转人工")
    assert told.kf_account == "lead@x"
    ruled.says("o1", "转人工")
    assert ruled.session(told.session_id).kf_account == "lead@x"


def test_words_move_one_who_waits_twice_at_most(ruled: Office) -> None:
    rules = TransferRules((Keyword(("投诉",), LEADS), Keyword(("技术",), "tech")))
    ruled.account = replace(ruled.account, transfer_rules=lambda: rules)
    ruled.agent("lead@x", seats=0, groups=[LEADS])
    ruled.agent("tech@x", seats=0, groups=["tech"])
    sid = ruled.says("o1").session_id
    for text in ("投诉", "技术", "投诉", "技术"):
        ruled.says("o1", text)
    session = ruled.session(sid)
    assert (session.group, session.moves, session.state) == ("tech", 2, State.WAITING)
