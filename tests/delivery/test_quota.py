"""The day's quota of sends is used up: people are still tried, automatic messages wait for nobody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.alerts.board import AlarmBoard
from app.delivery.greeting import greeter
from app.delivery.quota import QUOTA_SPENT, QuotaHold, SendQuota, next_day_ms
from tests.delivery.test_sender import Post, Reply, error
from tests.delivery.test_sender import post as post

BEIJING_MIDNIGHT_MS = 1_764_086_400_000  # 2025-11-26T00:00:00+08:00
HOUR_MS = 3_600_000


def used_up(post: Post) -> str:
    """An agent's reply meets the end of the quota; the conversation."""
    post.platform.answer = lambda _request: error(QUOTA_SPENT)
    sid = post.reply()
    assert post.send_one()
    return sid


def tell(post: Post, sid: str, text: str) -> dict[str, Any]:
    """An automatic message, put into the outbox and looked at by the sender."""
    seq = post.office.account.store.say(sid, text, f"op-{text}", needs=1)
    assert seq is not None and post.send_one()
    message = post.office.account.queries.message(sid, seq)
    assert message is not None
    return message


def quota(post: Post) -> SendQuota:
    account = post.office.account
    return SendQuota(account.queries._redis, account.appid)


@pytest.mark.parametrize(
    ("now_ms", "ends_ms"),
    [
        (BEIJING_MIDNIGHT_MS - 1, BEIJING_MIDNIGHT_MS),
        (BEIJING_MIDNIGHT_MS, BEIJING_MIDNIGHT_MS + 24 * HOUR_MS),
        (BEIJING_MIDNIGHT_MS + 8 * HOUR_MS, BEIJING_MIDNIGHT_MS + 24 * HOUR_MS),
        (BEIJING_MIDNIGHT_MS + 23 * HOUR_MS, BEIJING_MIDNIGHT_MS + 24 * HOUR_MS),
    ],
)
def test_the_platforms_day_ends_at_midnight_in_beijing(now_ms: int, ends_ms: int) -> None:
    assert next_day_ms(now_ms) == ends_ms


def test_a_reply_beyond_the_quota_fails_with_the_reason_and_costs_no_budget(post: Post) -> None:
    sid = used_up(post)
    message = post.status(sid)
    assert (message["status"], message["error"]["errcode"]) == ("failed", QUOTA_SPENT)
    assert message["error"]["reason"] == "今日接口调用次数已用完（45009）"
    assert post.left() == 5


def test_automatic_messages_are_held_back_until_midnight_and_are_no_dead_letters(
    post: Post,
) -> None:
    sid = used_up(post)
    message = tell(post, sid, "您前面还有 2 位")
    assert (message["status"], message["error"]["errcode"]) == ("failed", QUOTA_SPENT)
    assert "零点" in message["error"]["reason"]
    assert len(post.sent()) == 1
    assert [ident for ident, _ in post.office.account.queries.dead_letters(9)] == [f"{sid}.2"]
    assert post.left() == 5
    client = post.office.account.queries._redis
    key = post.office.account.store.keys.of("send_quota")
    seconds, micros = client.time()
    now_ms = seconds * 1000 + micros // 1000
    assert abs(client.pexpiretime(key) - next_day_ms(now_ms)) < 2


def test_agents_are_still_tried_and_the_first_that_is_taken_ends_the_hold(post: Post) -> None:
    sid = used_up(post)
    post.office.replies(sid, "a@x", "还在吗")
    assert post.send_one() and len(post.sent()) == 2
    assert quota(post).is_spent()
    post.platform.answer = lambda _request: Reply()
    post.office.replies(sid, "a@x", "额度已重置")
    assert post.send_one()
    assert not quota(post).is_spent()
    assert tell(post, sid, "您前面还有 1 位")["status"] == "sent"


def test_every_node_hears_of_it(post: Post) -> None:
    used_up(post)
    assert QuotaHold(quota(post), post.office.account.appid).is_on()
    assert AlarmBoard(post.office.account.queries._redis).quota_error(
        post.office.account.appid
    ) == str(QUOTA_SPENT)


def test_a_greeting_is_held_back_as_well(post: Post) -> None:
    used_up(post)
    hold = QuotaHold(quota(post), post.office.account.appid)
    with ThreadPoolExecutor(1) as pool:
        greeter(post.sender._api, pool, hold)("o2", "您好")
    assert len(post.sent()) == 1


def test_the_quota_of_another_call_holds_nothing_back(post: Post) -> None:
    post.platform.answer = lambda request: (
        error(QUOTA_SPENT) if "/user/info" in request.path else Reply()
    )
    with pytest.raises(Exception, match="daily_quota_spent"):
        post.sender._api.user_info("o1")
    sid = post.reply()
    assert post.send_one()
    assert tell(post, sid, "您前面还有 2 位")["status"] == "sent"
