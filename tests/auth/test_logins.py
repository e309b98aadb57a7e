from __future__ import annotations

import dataclasses

import pytest
import redis

from app.auth import logins as module
from app.auth.errors import BadCredentials
from app.auth.logins import Logins, Opened
from app.storage.people import Person
from sessions.model import StoreDown

WANG = Person(7, "wang", "小王", "agent", "wx1", "kf1@acme", False, 1, 1, "hash")
LI = dataclasses.replace(WANG, id=8, username="li", appid=None, kf_account=None)


def _cookie(logins: Logins, person: Person = WANG) -> Opened:
    return logins.open_cookie(person, logins.epoch(person.id))


def test_a_login_says_who_it_is(logins: Logins) -> None:
    found = logins.find(_cookie(logins).secret, "cookie")
    assert found is not None
    assert (found.person_id, found.username, found.role) == (7, "wang", "agent")
    assert (found.appid, found.kf_account) == ("wx1", "kf1@acme")
    assert found.ends_ms - found.created_ms == 24 * 3600 * 1000


def test_a_person_without_a_kf_account_can_sign_in(logins: Logins) -> None:
    found = logins.find(_cookie(logins, LI).secret, "cookie")
    assert found is not None and found.kf_account == ""


def test_every_login_has_a_secret_of_its_own_that_redis_does_not_hold(
    logins: Logins, client: redis.Redis
) -> None:
    one, two = _cookie(logins), _cookie(logins)
    assert one.secret != two.secret
    assert one.secret not in repr(one)
    random_part = one.secret.split(".")[1]
    for key in client.keys("*"):
        assert random_part not in key
        assert random_part not in str(client.hgetall(key))


@pytest.mark.parametrize("secret", ["", "7.", "x", "7." + "A" * 43, "é" * 50, "7:{x}." + "A" * 43])
def test_an_invented_secret_is_no_login(logins: Logins, secret: str) -> None:
    _cookie(logins)
    assert logins.find(secret, "cookie") is None


def test_a_secret_moved_to_another_person_is_no_login(logins: Logins) -> None:
    secret = _cookie(logins).secret
    assert logins.find("8." + secret.split(".")[1], "cookie") is None


def test_a_token_is_no_cookie_and_a_cookie_no_token(logins: Logins) -> None:
    token = logins.open_token(WANG, logins.epoch(7)).secret
    assert logins.find(token, "token") is not None
    assert logins.find(token, "cookie") is None
    assert logins.find(_cookie(logins).secret, "token") is None


def test_a_token_lasts_as_long_as_it_says(logins: Logins, client: redis.Redis) -> None:
    opened = logins.open_token(WANG, logins.epoch(7))
    key = client.keys("kf:login:{7}:*")[0]
    assert opened.login.ends_ms - opened.login.created_ms == module.TOKEN_EXPIRES_S * 1000
    client.pexpire(key, 1000_000)
    logins.find(opened.secret, "token")
    assert client.pttl(key) <= 1000_000


def test_use_keeps_a_cookie_alive_and_looking_does_not(logins: Logins, client: redis.Redis) -> None:
    secret = _cookie(logins).secret
    key = client.keys("kf:login:{7}:*")[0]
    client.pexpire(key, 1000_000)
    assert logins.find(secret, "cookie", active=False) is not None
    assert client.pttl(key) <= 1000_000
    assert logins.find(secret, "cookie") is not None
    assert client.pttl(key) > module.COOKIE_IDLE_MS - 60_000


def test_no_use_keeps_a_cookie_beyond_its_absolute_end(logins: Logins, client: redis.Redis) -> None:
    opened = _cookie(logins)
    key = client.keys("kf:login:{7}:*")[0]
    client.hset(key, "ends_ms", opened.login.created_ms + 3600_000)
    assert logins.find(opened.secret, "cookie") is not None
    assert client.pttl(key) <= 3600_000
    client.hset(key, "ends_ms", opened.login.created_ms - 1)
    assert logins.find(opened.secret, "cookie") is None
    assert client.exists(key) == 0


def test_signing_out_ends_this_login_only(logins: Logins) -> None:
    one, two = _cookie(logins), _cookie(logins)
    logins.revoke(one.login)
    assert logins.find(one.secret, "cookie") is None
    assert logins.find(two.secret, "cookie") is not None


def test_signing_out_everywhere_ends_all_of_a_person_and_nobody_elses(logins: Logins) -> None:
    mine = [_cookie(logins).secret for _ in range(2)]
    token = logins.open_token(WANG, logins.epoch(7)).secret
    other = _cookie(logins, LI).secret
    logins.revoke_all(7)
    assert [logins.find(secret, "cookie") for secret in mine] == [None, None]
    assert logins.find(token, "token") is None
    assert logins.find(other, "cookie") is not None
    assert logins.find(_cookie(logins).secret, "cookie") is not None


def test_a_sign_in_overtaken_by_signing_out_everywhere_opens_nothing(logins: Logins) -> None:
    epoch = logins.epoch(7)
    logins.revoke_all(7)
    with pytest.raises(BadCredentials):
        logins.open_cookie(WANG, epoch)


def test_the_csrf_token_belongs_to_one_login_and_one_secret_key(
    logins: Logins, client: redis.Redis
) -> None:
    one, two = _cookie(logins).login, _cookie(logins).login
    token = logins.csrf(one)
    assert logins.csrf_fits(one, token)
    assert not logins.csrf_fits(two, token)
    assert not logins.csrf_fits(one, "")
    assert not logins.csrf_fits(one, "é\ud83d")
    assert not Logins(client, b"another key").csrf_fits(one, token)


def test_a_changed_secret_key_signs_nobody_out_while_the_previous_one_is_named(
    client: redis.Redis,
) -> None:
    old, new = b"the old key of all nodes", b"the new key of all nodes"
    opened = Logins(client, old).open_cookie(WANG, "0")
    page = Logins(client, old).csrf(opened.login)
    changed, finished = Logins(client, new, old), Logins(client, new)
    assert changed.find(opened.secret, "cookie") == opened.login
    assert changed.csrf_fits(opened.login, page)
    assert changed.csrf(opened.login) == finished.csrf(opened.login) != page
    assert finished.find(opened.secret, "cookie") == opened.login
    assert not finished.csrf_fits(opened.login, page)


def test_redis_away_is_told_as_such(tmp_path: object) -> None:
    away = redis.Redis(
        unix_socket_path="/nonexistent/redis.sock", decode_responses=True, retry=None
    )
    with pytest.raises(StoreDown):
        Logins(away, b"k").find("7." + "A" * 43, "cookie")
    away.close()


def test_a_supervisors_login_from_before_accounts_were_named_must_sign_in_again(
    logins: Logins, client: redis.Redis
) -> None:
    for role, good in (("supervisor", False), ("agent", True), ("admin", True)):
        opened = logins.open_cookie(dataclasses.replace(WANG, role=role), logins.epoch(WANG.id))
        client.hdel(f"kf:login:{{{WANG.id}}}:{opened.login.id}", "leads")
        assert (logins.find(opened.secret, "cookie") is not None) is good


def test_a_login_knows_which_accounts_its_person_leads(logins: Logins) -> None:
    lead = dataclasses.replace(WANG, role="supervisor", leads=["wx1", "wx2"])
    opened = logins.open_token(lead, logins.epoch(lead.id))
    found = logins.find(opened.secret, "token")
    assert found == opened.login and found.leads == {"wx1", "wx2"}
