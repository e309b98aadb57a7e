"""Field B: queues that do not drain, and waiting without knowing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.conversations import arrivals, closing, transfers, waiting
from app.conversations import meaning as words
from app.conversations.transfers import drain_everywhere
from routing.hours import DAYS, hours_from
from sessions.entry import entry_of
from sessions.model import Outcome, State
from sessions.seats import Status
from tests.conversations.conftest import Office
from tests.stories.conftest import GROUP, Operator

ALWAYS_CLOSED = hours_from({"weekly": {}}, "Asia/Shanghai")
ALWAYS_OPEN = hours_from({"weekly": {day: ["00:00-24:00"] for day in DAYS}}, "Asia/Shanghai")
HOUR_MS = 3_600_000


def now_ms(office: Office) -> int:
    return office.account.store.now_ms()


def card(office: Office, session_id: str) -> dict[str, Any]:
    text = office.account.queries.card(session_id)
    assert text is not None
    found: dict[str, Any] = json.loads(text)
    return found


def waits_since(office: Office, session_id: str, ms: int) -> None:
    key = office.account.store.keys.of("session", session_id)
    office.account.queries._redis.hset(key, "waiting_since_ms", now_ms(office) - ms)


def test_chatwoot_10583_the_fourth_chat_does_not_get_stuck_while_the_fifth_is_served(
    office: Office,
) -> None:
    office.agent("a@x", seats=3)
    chats = [office.says(f"o{n}").session_id for n in range(1, 6)]
    closing.close_by_agent(office.account, chats[0], "a@x")
    assert [office.session(c).state for c in chats[1:]] == ["SERVING"] * 3 + ["WAITING"]
    closing.close_by_agent(office.account, chats[1], "a@x")
    assert office.session(chats[4]).state is State.SERVING
    assert card(office, chats[3])["chosen"] == office.session(chats[3]).kf_account == "a@x"
    assert card(office, chats[3])["reason"] == "from_queue"


def test_chatwoot_10376_the_oldest_is_served_first_and_a_priority_is_worth_a_bounded_time(
    office: Office,
) -> None:
    early = office.says("o1").session_id
    key = office.account.store.keys.of("queue", GROUP)
    late = office.says("o2").session_id
    credit_us = 1000 * office.account.policy.priority_credit_ms * 100
    office.account.queries._redis.zincrby(key, -credit_us, late)  # the highest priority there is
    assert office.account.queries.waiting([GROUP], 10) == [late, early]
    office.account.queries._redis.zincrby(key, -credit_us - 1_000_000, early)
    office.agent("a@x", seats=1)
    assert office.session(early).state is State.SERVING


def test_chatwoot_10685_agents_who_come_online_get_the_whole_batch_up_to_their_seats(
    office: Office,
) -> None:
    chats = [office.says(f"o{n}").session_id for n in range(1, 8)]
    office.agent("a@x", seats=3)
    office.agent("b@x", seats=3)
    states = [office.session(c).state for c in chats]
    assert states == ["SERVING"] * 6 + ["WAITING"]


def test_rocketchat_18041_what_came_while_nobody_was_there_is_taken_later(office: Office) -> None:
    chat = office.says("o1", "有人吗").session_id
    office.agent("a@x")
    assert office.session(chat).kf_account == "a@x"
    assert [m["text"] for m in office.account.queries.messages(chat, 0, 9)] == ["有人吗"]


def test_livehelperchat_841_the_customer_is_told_his_place_and_an_honest_wait(
    office: Office,
) -> None:
    office.agent("a@x", seats=1)
    served = office.says("o1")
    first = office.says("o2")
    assert (first.result, first.position, first.minutes) == ("queued", 1, 0)
    assert words.reply_text(office.account, first) == "[queue]"
    key = office.account.store.keys.of("session", served.session_id)
    office.account.queries._redis.hset(key, "first_assigned_ms", now_ms(office) - 10 * 60_000)
    closing.close_by_agent(office.account, served.session_id, "a@x")
    told = [office.says(f"w{n}") for n in range(3)]
    assert [t.position for t in told] == [1, 2, 3]
    assert [t.minutes for t in told] == [10, 20, 30] or told[0].minutes in (10, 11)
    assert [t.minutes for t in told] == sorted({t.minutes for t in told})
    assert words.reply_text(office.account, told[0]) == "[queue_minutes]"


@pytest.mark.parametrize("text", ["排队", "  排队 ", "QUEUE", "queue\n"])
def test_chatwoot_8047_the_place_is_told_on_request_for_free(office: Office, text: str) -> None:
    office.says("o1")
    office.says("o2")
    asked = office.says("o2", text)
    assert (asked.result, asked.position, asked.notice) == ("asked", 2, "queue")
    assert office.session(asked.session_id).state is State.WAITING


def test_words_of_the_queue_mean_nothing_once_an_agent_is_there(office: Office) -> None:
    chat = office.says("o1").session_id
    office.agent("a@x")
    for text in ("排队", "取消"):
        said = office.says("o1", text)
        assert (said.result, said.notice, said.session_id) == ("appended", "", chat)
    assert office.session(chat).state is State.SERVING


def test_only_the_whole_message_leaves_the_queue(office: Office) -> None:
    chat = office.says("o1").session_id
    assert office.says("o1", "我想取消订单").result == "appended"
    push = office.push("o1", " 取消 ")
    left = arrivals.receive(office.account, push)
    again = arrivals.receive(office.account, push)
    assert (left.result, left.notice) == (again.result, again.notice) == ("cancelled", "cancelled")
    ended = office.session(chat)
    assert (ended.state, ended.close_reason) == (State.CLOSED, "customer")
    assert office.says("o1", "取消").result == "queued"


def test_who_leaves_the_queue_while_he_is_taken_stays_served(office: Office) -> None:
    chat = office.says("o1").session_id
    push = office.push("o1", "取消")
    got = office.account.store.receive(push, entry_of(push, frozenset(), 5), "cancel", {})
    office.agent("a@x")
    assert isinstance(got, Outcome) and got.result == "cancel_asked"
    settled = arrivals.receive(office.account, push)
    assert (settled.result, settled.notice) == ("appended", "")
    assert office.session(chat).state is State.SERVING


def test_cskefu_554_messages_are_held_while_the_group_is_closed_and_answered_when_it_opens(
    office: Office, operator: Operator
) -> None:
    operator.group(GROUP, hours=ALWAYS_CLOSED, closed_message="明早九点见")
    office.agent("a@x")
    held = office.says("o1")
    assert (held.result, words.reply_text(office.account, held)) == ("queued", "明早九点见")
    why = card(office, held.session_id)
    assert (why["reason"], why["hours"]["open"]) == ("group_closed", False)
    office.set("a@x", Status.AWAY)
    office.set("a@x", Status.ONLINE)
    drain_everywhere(office.account)
    assert office.session(held.session_id).state is State.WAITING
    operator.group(GROUP, hours=ALWAYS_OPEN)
    drain_everywhere(office.account)
    assert office.session(held.session_id).kf_account == "a@x"


def test_a_closed_group_waits_as_long_as_it_may_answer(office: Office, operator: Operator) -> None:
    operator.group(GROUP, hours=ALWAYS_CLOSED)
    chat = office.says("o1").session_id
    loaded = office.account.store.load(chat)
    rearmed = waiting.spared(office.account, loaded)
    assert rearmed is not None and rearmed.due_ms > loaded.now_ms + 47 * HOUR_MS
    operator.group(GROUP, hours=None)
    assert waiting.spared(office.account, loaded) is None


def test_agents_of_a_manual_group_take_for_themselves(office: Office, operator: Operator) -> None:
    operator.group(GROUP, assign="manual")
    office.agent("a@x")
    chat = office.says("o1")
    assert (chat.result, chat.notice) == ("queued", "queue")
    drain_everywhere(office.account)
    assert office.session(chat.session_id).state is State.WAITING
    taken = transfers.take(office.account, chat.session_id, "a@x")
    assert taken.kf_account == "a@x"
    assert card(office, chat.session_id)["reason"] == "taken"


def test_a_full_group_hands_on_after_its_time_to_somebody_with_room(
    office: Office, operator: Operator
) -> None:
    operator.group("premium_support", fallback_after_s=30)
    operator.routing(default_group="premium_support")
    office.agent("vip@x", seats=1, groups=["premium_support"])
    office.agent("a@x", seats=1, groups=[GROUP])
    chats = [office.says(f"o{n}").session_id for n in range(1, 4)]
    assert [office.session(c).kf_account for c in chats] == ["vip@x", "", ""]
    assert waiting.hand_on(office.account, "premium_support", now_ms(office)) == 0
    for chat in chats[1:]:
        waits_since(office, chat, 31_000)
    assert waiting.hand_on(office.account, "premium_support", now_ms(office)) == 1
    moved = office.session(chats[1])
    assert (moved.kf_account, moved.group) == ("a@x", GROUP)
    assert office.session(chats[2]).group == "premium_support"
    assert card(office, chats[1])["reason"] == "waited"


def test_a_group_without_members_hands_over_at_once_even_where_nobody_is_online(
    office: Office, operator: Operator
) -> None:
    operator.group("premium_support", fallback_after_s=600)
    operator.routing(default_group="premium_support")
    office.account.seats.put("a@x", "a", 2, [GROUP])
    office.account.attendance.refresh()
    chat = office.says("o1")
    assert office.session(chat.session_id).group == GROUP
    fallback = card(office, chat.session_id)["fallback"]
    assert fallback == [{"group": "premium_support", "why": "no_members"}]


def test_who_waits_in_a_group_that_loses_everybody_goes_on_and_keeps_his_place(
    office: Office, operator: Operator
) -> None:
    operator.routing(default_group="premium_support")
    office.agent("vip@x", seats=1, groups=["premium_support"])
    office.says("o0")
    early = office.says("o1").session_id
    operator.routing(default_group=GROUP)
    late = office.says("o2").session_id
    office.account.seats.remove("vip@x")
    office.account.seats.put("a@x", "a", 2, [GROUP])
    office.account.attendance.refresh()
    waiting.tend(office.account, now_ms(office))
    assert office.session(early).group == GROUP
    assert office.account.queries.waiting([GROUP], 9) == [early, late]


def test_a_question_that_can_soon_not_be_answered_comes_forward(office: Office) -> None:
    chats = [office.says(f"o{n}").session_id for n in range(1, 4)]
    client, keys = office.account.queries._redis, office.account.store.keys
    now = now_ms(office)
    for n, chat in enumerate(chats, start=1):
        long_ago = now - 47 * HOUR_MS
        client.zadd(keys.of("queue", GROUP), {chat: 1000 * long_ago + n})
        client.hset(keys.of("session", chat), "queued_ms", long_ago)
    client.hset(keys.of("customer", "o3"), "message.ends", now + HOUR_MS)
    assert waiting.bring_forward(office.account, GROUP, now) == 1
    assert waiting.bring_forward(office.account, GROUP, now) == 0
    assert office.account.queries.waiting([GROUP], 9) == [chats[2], chats[0], chats[1]]
