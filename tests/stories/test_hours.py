"""Field J: hours, days of leave, shifts; and what is said to whoever writes meanwhile."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.conversations import arrivals, waiting
from app.conversations import meaning as words
from app.conversations.placing import staffed_group
from app.conversations.timers import sweep as sweeps
from routing.document import Entry
from routing.hours import DAYS, hours_from
from routing.rules import Rule
from sessions.model import State
from tests.conversations.conftest import Office
from tests.stories.conftest import GROUP, Operator

OPEN_DAYS: dict[str, Any] = {day: ["00:00-24:00"] for day in DAYS}
OPEN = hours_from({"weekly": OPEN_DAYS}, "Asia/Shanghai")
CLOSED = hours_from({"weekly": {}}, "Asia/Shanghai")


def test_rocketchat_29540_a_day_of_leave_counts_today_whatever_the_week_says(
    office: Office, operator: Operator
) -> None:
    now_ms = office.account.store.now_ms()
    today = datetime.fromtimestamp(now_ms / 1000, UTC).date().isoformat()
    leave = {"timezone": "UTC", "weekly": OPEN_DAYS, "exceptions": {today: []}}
    operator.group(GROUP, hours=hours_from(leave, "UTC"))
    office.agent("a@x")
    told = office.says("o1")
    assert told.result == "queued"
    card = json.loads(office.account.queries.card(told.session_id) or "{}")
    assert card["hours"]["why"] == "exception" and card["hours"]["opens_ms"] > now_ms
    assert words.reply_text(office.account, told) == "[closed]"


def test_rocketchat_24896_a_closed_group_does_not_flood_its_fallback(
    office: Office, operator: Operator
) -> None:
    operator.group("premium_support", hours=CLOSED)
    office.account.seats.put("vip@x", "v", 2, ["premium_support"])
    office.agent("a@x")
    assert staffed_group(office.account, "premium_support") == "premium_support"
    operator.group("premium_support", hours=OPEN)
    assert staffed_group(office.account, "premium_support") == GROUP


def test_rocketchat_23894_who_waits_over_the_night_is_not_given_up_before_the_morning(
    office: Office, operator: Operator
) -> None:
    operator.group(GROUP, hours=CLOSED)
    chat = office.says("o1").session_id
    office.timer_due(chat, "wait")
    now_ms = office.account.store.now_ms()
    sweeps.run_timers(office.account, now_ms)
    assert office.session(chat).state is State.WAITING
    operator.group(GROUP, hours=None)
    office.timer_due(chat, "wait")
    sweeps.run_timers(office.account, now_ms + 1)
    assert office.session(chat).close_reason == "missed"


def test_once_the_reply_window_is_over_a_closed_group_keeps_nobody_either(
    office: Office, operator: Operator
) -> None:
    operator.group(GROUP, hours=CLOSED)
    chat = office.says("o1").session_id
    office.account.queries._redis.hset(
        office.account.store.keys.of("customer", "o1"), "message.ends", 1
    )
    assert waiting.spared(office.account, office.account.store.load(chat)) is None


def test_a_rule_may_ask_for_the_hour_and_greets_whoever_is_served(
    office: Office, operator: Operator
) -> None:
    rules = (Rule(GROUP, 3, (("hours", [0, 24]),), "早上好"),)
    operator.routing(rules=rules)
    office.agent("a@x")
    push = office.push("o1")
    served = arrivals.receive(office.account, push)
    again = arrivals.receive(office.account, push)
    assert served.kf_account == "a@x" and office.session(served.session_id).priority == 3
    assert words.reply_text(office.account, served) == "早上好"
    assert words.reply_text(office.account, again) == "早上好"


@pytest.mark.parametrize(("text", "opens"), [("人工", True), (" 人工 ", True), ("我要人工", False)])
def test_a_group_may_begin_on_request_although_the_account_does_not(
    office: Office, operator: Operator, text: str, opens: bool
) -> None:
    operator.group(GROUP, entry="on_request")
    told = office.says("o1", text)
    assert (told.result == "queued") is opens
    if not opens:
        assert words.reply_text(office.account, told) == "[on_request]"


def test_menu_keys_open_and_pictures_do_not_where_a_person_must_be_asked_for(
    office: Office, operator: Operator
) -> None:
    operator.routing(entry=Entry("on_request", ("人工",), ("HUMAN",)))
    click = {"kind": "event", "type": "event", "event": "CLICK", "text": ""}
    assert office.says("o1", "", type="image").result == "noted"
    assert office.says("o1", **click, event_key="OTHER").result == "noted"
    assert office.says("o1", **click, event_key="HUMAN").result == "queued"
    assert office.says("o2", menu_id="HUMAN").result == "queued"
    assert office.says("o1", "", type="image").result == "appended"
