"""The token service over a real Redis and a real HTTP server."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import pytest
import redis
from urllib3 import PoolManager

from app.wechat.api import NotConnected, PlatformRefused, WeChatApi, new_http
from app.wechat.tokens import TokenService, TokenUnavailable
from tests.servers import PrivateRedis
from tests.support import free_port
from tests.wechat.conftest import TOKENS_DB
from tests.wechat.platform import Platform, Reply, Request, error, ok
from tests.wechat.pushes import APPID, account

STABLE = "/cgi-bin/stable_token"
PREFIX = f"kf:tok:{{tok.{APPID}}}:"


def giving(*tokens: str, life_s: int = 7200) -> Callable[[Request], Reply]:
    """Each token call gets the next token, the last one for ever; other calls succeed."""
    left = itertools.chain(tokens, itertools.repeat(tokens[-1]))

    def answer(request: Request) -> Reply:
        if request.path == STABLE:
            return ok(access_token=next(left), expires_in=life_s)
        return ok(errcode=0)

    return answer


def later(store: redis.Redis) -> None:
    """As if the minute of the call limit had passed."""
    store.delete(PREFIX + "calls")


def in_threads(work: Callable[[], object], count: int = 8) -> list[object]:
    results: list[object] = []
    barrier = threading.Barrier(count)

    def run() -> None:
        barrier.wait()
        try:
            results.append(work())
        except Exception as failure:
            results.append(failure)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_token_is_asked_once_and_then_read_from_redis(
    tokens: TokenService, platform: Platform, store: redis.Redis, http: PoolManager
) -> None:
    platform.answer = giving("t1")
    assert tokens.current() == "t1"
    other_node = TokenService(store, account(), platform.base_url, http)
    assert other_node.current() == tokens.current() == "t1"
    (request,) = platform.requests
    assert request.json == {
        "grant_type": "client_credential",
        "appid": APPID,
        "secret": "the-app-secret",
        "force_refresh": False,
    }


def test_it_also_works_on_a_client_that_decodes(
    redis_server: PrivateRedis, store: redis.Redis, platform: Platform, http: PoolManager
) -> None:
    platform.answer = giving("t1", "t2")
    with redis.Redis(port=redis_server.port, db=TOKENS_DB, decode_responses=True) as client:
        service = TokenService(client, account(), platform.base_url, http)
        assert [service.current(), service.current(), service.renew("t1")] == ["t1", "t1", "t2"]


@pytest.mark.parametrize(("life_s", "kept_s"), [(7200, 7080), (300, 180), (100, 50)])
def test_a_token_is_kept_shorter_than_its_life(
    tokens: TokenService, platform: Platform, store: redis.Redis, life_s: int, kept_s: int
) -> None:
    platform.answer = giving("t1", life_s=life_s)
    tokens.current()
    assert kept_s - 5 <= store.ttl(PREFIX + "token") <= kept_s


def test_threads_and_nodes_that_start_together_ask_once(
    platform: Platform, store: redis.Redis
) -> None:
    platform.answer = giving("t1", "t2")
    with new_http() as one, new_http() as two:
        nodes = itertools.cycle(
            [
                TokenService(store, account(), platform.base_url, one),
                TokenService(store, account(), platform.base_url, two),
            ]
        )
        assert in_threads(lambda: next(nodes).current()) == ["t1"] * 8
    assert len(platform.requests) == 1


def test_a_failed_token_that_another_has_replaced_is_not_renewed_again(
    tokens: TokenService, platform: Platform
) -> None:
    platform.answer = giving("t1", "t2", "t3")
    tokens.current()
    assert tokens.renew("t1") == "t2"
    assert tokens.renew("t1") == "t2"
    assert len(platform.requests) == 2


def test_eight_threads_with_an_expired_token_make_exactly_one_refresh(
    tokens: TokenService, platform: Platform, http: PoolManager
) -> None:
    fresh = giving("t1", "t2", "t3")

    def answer(request: Request) -> Reply:
        if request.query.get("access_token") == "t1":
            return error(42001)
        return fresh(request)

    platform.answer = answer
    tokens.current()
    api = WeChatApi(account(), tokens, platform.base_url, http)
    results = in_threads(lambda: api.typing("oA").data["errcode"])
    assert results == [0] * 8
    assert len(platform.seen(STABLE)) == 2
    # A thread that begins after the refresh needs no second try.
    assert 9 <= len(platform.seen("/cgi-bin/message/custom/typing")) <= 16


def test_a_platform_that_repeats_the_failed_token_is_forced_once(
    tokens: TokenService, platform: Platform, store: redis.Redis
) -> None:
    platform.answer = giving("t1", "t1", "t2")
    tokens.current()
    later(store)
    assert tokens.renew("t1") == "t2"
    assert [request.json["force_refresh"] for request in platform.requests] == [False, False, True]
    assert tokens.current() == "t2"


def test_force_is_used_at_most_every_five_minutes(
    tokens: TokenService, platform: Platform, store: redis.Redis
) -> None:
    platform.answer = giving("t1", "t1", "t2")
    tokens.current()
    later(store)
    tokens.renew("t1")
    later(store)
    with pytest.raises(TokenUnavailable) as caught:
        tokens.renew("t2")
    assert caught.value.why == "limited"
    assert sum(request.json["force_refresh"] for request in platform.requests) == 1
    assert 300_000 - (_now_ms(store) - int(store.lindex(PREFIX + "forced", 0))) > 290_000


def test_force_is_used_at_most_20_times_a_day(
    tokens: TokenService, platform: Platform, store: redis.Redis
) -> None:
    platform.answer = giving("t1")
    old = _now_ms(store) - 3_600_000
    store.rpush(PREFIX + "forced", *[old - n for n in range(20)])
    tokens.current()
    later(store)
    with pytest.raises(TokenUnavailable):
        tokens.renew("t1")
    assert not any(request.json["force_refresh"] for request in platform.requests)
    store.lset(PREFIX + "forced", 19, old - 86_400_000)
    later(store)
    tokens.renew("t1")
    assert platform.requests[-1].json["force_refresh"]


def _now_ms(store: redis.Redis) -> int:
    seconds, micros = store.time()
    return int(seconds) * 1000 + int(micros) // 1000


def test_a_platform_that_answers_40001_for_ever_costs_two_token_calls_a_minute(
    tokens: TokenService, platform: Platform, http: PoolManager, store: redis.Redis
) -> None:
    fresh = giving(*[f"t{n}" for n in range(100)])
    platform.answer = lambda request: fresh(request) if request.path == STABLE else error(40001)
    api = WeChatApi(account(), tokens, platform.base_url, http)

    def many() -> set[type]:
        kinds = set()
        for _ in range(10):
            try:
                api.typing("oA")
            except (PlatformRefused, TokenUnavailable) as failure:
                kinds.add(type(failure))
        return kinds

    kinds = set().union(*in_threads(many))
    assert kinds <= {PlatformRefused, TokenUnavailable}
    assert len(platform.seen(STABLE)) == 2
    assert store.exists(PREFIX + "lease") == 0


@pytest.mark.parametrize("reply", [error(40001), Reply(b"<html>"), Reply(cut=True)])
def test_a_failing_token_endpoint_is_asked_twice_a_minute_by_everybody_together(
    tokens: TokenService, platform: Platform, reply: Reply
) -> None:
    platform.answer = lambda _request: reply
    results = in_threads(tokens.current) + in_threads(tokens.current)
    assert all(isinstance(result, TokenUnavailable) for result in results)
    assert len(platform.requests) == 2


def test_the_platforms_reason_is_told_also_by_those_who_were_held_back(
    tokens: TokenService, platform: Platform
) -> None:
    platform.answer = lambda _request: error(40164)
    seen = []
    for _ in range(3):
        with pytest.raises(TokenUnavailable) as caught:
            tokens.current()
        seen.append((caught.value.why, caught.value.errcode, caught.value.code))
    assert seen == [
        ("refused", 40164, "ip_not_whitelisted"),
        ("refused", 40164, "ip_not_whitelisted"),
        ("limited", 40164, "ip_not_whitelisted"),
    ]


@pytest.mark.parametrize(
    "reply",
    [
        ok(),
        ok(access_token=1, expires_in=7200),
        ok(access_token="a b", expires_in=7200),
        ok(access_token="a", expires_in="soon"),
        ok(access_token="a", expires_in=0),
        Reply(status=500),
        Reply(b"{"),
    ],
)
def test_an_answer_without_a_token_is_unreadable(
    tokens: TokenService, platform: Platform, reply: Reply
) -> None:
    platform.answer = lambda _request: reply
    with pytest.raises(TokenUnavailable, match="unreadable"):
        tokens.current()


def test_an_unreachable_platform_is_told_so_without_the_secret(
    store: redis.Redis, http: PoolManager
) -> None:
    service = TokenService(store, account(), f"http://127.0.0.1:{free_port()}", http)
    with pytest.raises(NotConnected, match="unreachable") as caught:
        service.current()
    assert "secret" not in repr(caught.value)
    assert caught.value.__context__ is None


def test_a_store_that_is_away_is_told_so(platform: Platform, http: PoolManager) -> None:
    with redis.Redis(port=free_port(), retry=None) as client:
        service = TokenService(client, account(), platform.base_url, http)
        for act in (service.current, lambda: service.renew("t1")):
            with pytest.raises(TokenUnavailable, match="store"):
                act()


def test_a_holder_that_lost_its_lease_does_not_overwrite_the_newer_token(
    tokens: TokenService, platform: Platform, store: redis.Redis
) -> None:
    def slow(_request: Request) -> Reply:
        store.set(PREFIX + "lease", "somebody-else:0")
        store.set(PREFIX + "token", "newer")
        return ok(access_token="older", expires_in=7200)

    platform.answer = slow
    assert tokens.current() == "older"
    assert store.get(PREFIX + "token") == b"newer"
    assert store.get(PREFIX + "lease") == b"somebody-else:0"


def test_a_repeated_admission_is_counted_once(tokens: TokenService, store: redis.Redis) -> None:
    for _ in range(5):
        assert tokens._admit("me", "", force=False) == ("go", "")
    assert tokens._admit("you", "", force=False) == ("wait", "")
    assert store.llen(PREFIX + "calls") == 1


def test_all_keys_share_one_tag_that_is_not_the_accounts(
    tokens: TokenService, platform: Platform, store: redis.Redis
) -> None:
    platform.answer = giving("t1")
    tokens.current()
    keys = store.keys("*")
    assert keys
    assert all(key.startswith(b"kf:tok:{tok." + APPID.encode() + b"}:") for key in keys)
