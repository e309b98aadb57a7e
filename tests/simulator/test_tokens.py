"""Token rules (wechat-platform 4)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulator.conftest import APPID, SECRET, Sim

CREDENTIAL = {"grant_type": "client_credential", "appid": APPID, "secret": SECRET}


def plain(sim: Sim) -> str:
    return str(sim.call("GET", "/cgi-bin/token", params=CREDENTIAL)["access_token"])


def stable(sim: Sim, **more: bool) -> dict[str, object]:
    return dict(sim.call("POST", "/cgi-bin/stable_token", json={**CREDENTIAL, **more}))


def code(sim: Sim, token: str) -> int:
    params = {"access_token": token}
    return int(sim.call("GET", "/cgi-bin/getcallbackip", params=params).get("errcode", 0))


def test_each_plain_call_issues_a_new_token_and_the_old_one_lives_five_minutes(sim: Sim) -> None:
    first, second = plain(sim), plain(sim)
    assert first != second
    assert (code(sim, first), code(sim, second)) == (0, 0)
    sim.advance(299)
    assert code(sim, first) == 0
    sim.advance(2)
    assert (code(sim, first), code(sim, second)) == (40001, 0)


def test_an_expired_token_is_told_from_a_replaced_one(sim: Sim) -> None:
    token = plain(sim)
    sim.advance(7201)
    assert code(sim, token) == 42001


def test_stable_token_repeats_until_its_last_five_minutes_then_overlaps(sim: Sim) -> None:
    first = stable(sim)
    sim.advance(6000)
    again = stable(sim)
    assert again["access_token"] == first["access_token"]
    assert again["expires_in"] in (1199, 1200)
    sim.advance(1000)
    fresh = stable(sim)
    assert fresh["access_token"] != first["access_token"]
    assert fresh["expires_in"] == 7200
    assert code(sim, str(first["access_token"])) == 0
    sim.advance(301)
    assert code(sim, str(first["access_token"])) == 40001


def test_the_two_endpoints_do_not_touch_each_others_tokens(sim: Sim) -> None:
    kept = str(stable(sim)["access_token"])
    plain(sim), plain(sim)
    sim.advance(600)
    assert code(sim, kept) == 0


def test_force_refresh_ends_the_old_token_at_once_but_not_within_thirty_seconds(sim: Sim) -> None:
    first = str(stable(sim)["access_token"])
    second = str(stable(sim, force_refresh=True)["access_token"])
    assert code(sim, first) == 40001
    assert stable(sim, force_refresh=True)["access_token"] == second
    sim.advance(31)
    assert stable(sim, force_refresh=True)["access_token"] != second


def test_force_refresh_is_refused_after_twenty_a_day(sim: Sim) -> None:
    stable(sim)
    for _ in range(20):
        sim.advance(31)
        assert "access_token" in stable(sim, force_refresh=True)
    sim.advance(31)
    assert stable(sim, force_refresh=True)["errcode"] == 45009
    assert "access_token" in stable(sim)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"grant_type": "x"}, 40002),
        ({"appid": "wx1"}, 40013),
        ({"secret": "x"}, 40125),
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
    ],
)
def test_wrong_credentials_have_their_codes(
    sim: Sim, change: dict[str, str], expected: int
) -> None:
    answer = sim.call("POST", "/cgi-bin/stable_token", json={**CREDENTIAL, **change})
    assert answer["errcode"] == expected
    assert " rid: " in answer["errmsg"]


@pytest.mark.parametrize(
    ("token", "expected"), [("", 41001), ("short", 40014), ("98_" + "x" * 120, 40001)]
)
def test_bad_tokens_have_their_codes(sim: Sim, token: str, expected: int) -> None:
    assert code(sim, token) == expected


def test_method_and_body_errors_have_their_codes(sim: Sim) -> None:
    url = "/cgi-bin/message/custom/send"
    params = {"access_token": sim.token()}
    assert sim.call("GET", url, params=params)["errcode"] == 43002
    assert sim.call("POST", url, params=params)["errcode"] == 44002
    assert sim.call("POST", url, params=params, data=b"{not json")["errcode"] == 47001
    assert sim.call("POST", "/cgi-bin/user/info", params=params)["errcode"] == 43001


def test_an_address_outside_the_whitelist_is_named(sim: Sim) -> None:
    sim.call("PATCH", "/sim/api/account", json={"ip_whitelist": ["10.0.0.1"]})
    answer = stable(sim)
    assert answer["errcode"] == 40164
    assert str(answer["errmsg"]).startswith("invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in")


def test_daily_quota_ends_in_45009_until_cleared(start: Callable[..., Sim]) -> None:
    sim = start(quotas={"/cgi-bin/token": 2})
    plain(sim), plain(sim)
    assert sim.call("GET", "/cgi-bin/token", params=CREDENTIAL)["errcode"] == 45009
    assert sim.api("/cgi-bin/clear_quota", {"appid": APPID})["errcode"] == 0
    assert plain(sim)


def test_secrets_stay_out_of_the_call_log(sim: Sim) -> None:
    plain(sim), stable(sim)
    rows = sim.http.get(sim.base + "/sim/api/requests", timeout=5).text
    assert SECRET not in rows
    assert sim.token() not in rows
    assert "/cgi-bin/stable_token" in rows
