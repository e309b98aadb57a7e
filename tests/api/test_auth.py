"""Signing in and out: cookies with CSRF, tokens, throttling, passwords."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from app.auth.errors import Busy
from app.storage import people
from app.storage.sql import reading
from tests.api.conftest import PASSWORD, WECHAT_ID, Client, Node


def signed_in(node: Node, name: str) -> tuple[Client, str]:
    client = node.client()
    answer = client.post("/login", {"username": name, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return client, answer.json()["data"]["csrf_token"]


def test_a_browser_signs_in_with_a_cookie_that_scripts_cannot_read(node: Node) -> None:
    node.agent("anna")
    client = node.client()
    answer = client.post("/login", {"username": "anna", "password": PASSWORD})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("kfring_session=")
    for part in ("HttpOnly", "SameSite=Strict", "Path=/"):
        assert part in cookie
    assert answer.json()["data"]["person"]["username"] == "anna"
    assert client.data("/me")["csrf_token"] == answer.json()["data"]["csrf_token"]


def test_over_https_the_cookie_is_a_host_cookie(node: Node) -> None:
    node.agent("anna")
    app = node.app.test_client()
    answer = app.post(
        "/api/v1/login",
        json={"username": "anna", "password": PASSWORD},
        base_url="https://kf.example.com",
    )
    assert answer.headers["Set-Cookie"].startswith("__Host-kfring=")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert app.get("/api/v1/me", base_url="https://kf.example.com").status_code == 200
    assert app.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF-Token": "0" * 64},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
    ],
)
def test_an_unsafe_request_from_elsewhere_is_refused(node: Node, headers: dict[str, str]) -> None:
    node.agent("anna")
    client, token = signed_in(node, "anna")
    sent = dict(headers)
    if headers and "X-CSRF-Token" not in headers:
        sent["X-CSRF-Token"] = token
    answer = client.put("/me/presence", {"status": "online"}, headers=sent)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_an_unsafe_request_of_our_own_page_is_served(node: Node) -> None:
    node.agent("anna")
    client, token = signed_in(node, "anna")
    for more in ({}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": node.base}):
        headers = {"X-CSRF-Token": token, **more}
        answer = client.put("/me/presence", {"status": "away"}, headers=headers)
        assert answer.status_code == 200, answer.text


def test_another_site_cannot_sign_a_browser_in(node: Node) -> None:
    body = {"username": "admin", "password": PASSWORD}
    answer = node.client().post("/login", body, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


class TestUnderOurName:
    @pytest.fixture
    def settings_of_node(self) -> dict[str, str]:
        return {"KF_PUBLIC_URL": "https://kf.example.com"}

    @pytest.mark.parametrize("host", ["evil.example", "kf.example.com.evil.example", "[", ""])
    def test_a_page_under_another_name_that_leads_here_is_not_ours(
        self, node: Node, host: str
    ) -> None:
        forged = self.own_request(node) | {"Host": host, "Origin": f"http://{host}"}
        path, body = "/api/v1/me/presence", {"status": "online"}
        answer = self.browser(node).put(path, json=body, headers=forged)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")
        body = {"username": "anna", "password": PASSWORD}
        answer = self.browser(node).post("/api/v1/login", json=body, headers=forged)
        assert answer.status_code == 403

    def test_our_own_name_is_served(self, node: Node) -> None:
        good = self.own_request(node) | {"Origin": "https://kf.example.com"}
        path, body = "/api/v1/me/presence", {"status": "away"}
        for host in (
            "kf.example.com",
            "KF.example.com:443",
            "10.0.0.7:8000",
            "[::1]:8000",
            "localhost",
        ):
            answer = self.browser(node).put(path, json=body, headers=good | {"Host": host})
            assert answer.status_code == 200, host

    def browser(self, node: Node) -> FlaskClient:
        """Sends the Cookie header that it is given."""
        return node.app.test_client(use_cookies=False)

    def own_request(self, node: Node) -> dict[str, str]:
        """What the desk of somebody who signed in sends."""
        node.agent("anna")
        client, token = signed_in(node, "anna")
        secret = client.http.cookies.get("kfring_session")
        return {"Cookie": f"kfring_session={secret}", "X-CSRF-Token": token}


def test_a_cookie_that_somebody_else_planted_is_not_taken_over(node: Node) -> None:
    node.agent("anna")
    planted = "1." + "A" * 43
    client = node.client()
    client.http.cookies.set("kfring_session", planted)
    answer = client.post("/login", {"username": "anna", "password": PASSWORD})
    given = answer.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    assert planted not in given and len(given) > 40
    old = node.client().get("/me", headers={"Cookie": f"kfring_session={planted}"})
    assert old.status_code == 401
    again = node.client().post("/login", {"username": "anna", "password": PASSWORD})
    assert given not in again.headers["Set-Cookie"]


def test_signing_out_ends_the_cookie_at_once(node: Node) -> None:
    node.agent("anna")
    client, token = signed_in(node, "anna")
    cookie = client.http.cookies.get("kfring_session")
    assert client.post("/logout", headers={"X-CSRF-Token": token}).status_code == 204
    again = node.client().get("/me", headers={"Cookie": f"kfring_session={cookie}"})
    assert again.status_code == 401


@pytest.mark.parametrize("name", ["anna", f"anna@{WECHAT_ID}"])
def test_a_program_signs_in_with_its_kf_account_in_full_or_by_prefix(node: Node, name: str) -> None:
    node.agent("anna")
    answer = node.client().post("/tokens", {"kf_account": name, "password": PASSWORD})
    data = answer.json()["data"]
    assert data["token_type"] == "Bearer" and data["expires_in"] == 43_200
    me = node.client(data["access_token"]).data("/me")
    assert me["kf_account"] == f"anna@{WECHAT_ID}" and me["csrf_token"] is None


def test_a_token_is_no_cookie_and_a_cookie_no_token(node: Node) -> None:
    token = node.token("admin")
    answer = node.client().get("/me", headers={"Cookie": f"kfring_session={token}"})
    assert answer.status_code == 401
    client, _ = signed_in(node, "admin")
    secret = client.http.cookies.get("kfring_session")
    assert node.client(secret or "").get("/me").status_code == 401


def test_unknown_names_and_wrong_passwords_look_the_same(node: Node) -> None:
    one = node.client().post("/login", {"username": "admin", "password": "wrong-one"}).json()
    other = node.client().post("/login", {"username": "nobody", "password": "wrong-one"}).json()
    assert {**one, "request_id": ""} == {**other, "request_id": ""}


def test_too_many_guesses_are_slowed_down(node: Node) -> None:
    client = node.client()
    for _ in range(40):
        answer = client.post("/tokens", {"username": "nobody", "password": "guess"})
        if answer.status_code == 429:
            break
    assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
    assert int(answer.headers["Retry-After"]) >= 1


class TestBehindAProxyThatNamesPorts:
    @pytest.fixture
    def settings_of_node(self) -> dict[str, str]:
        return {"KF_TRUSTED_PROXIES": "127.0.0.1"}

    def test_a_strangers_guesses_lock_out_the_stranger_and_not_the_agent(self, node: Node) -> None:
        node.agent("anna")
        stranger, path = node.client(), "/tokens"
        for number in range(40):
            said = {"X-Forwarded-For": f"203.0.113.9:{50_000 + number}"}
            guess = {"username": "anna", "password": f"guess {number}"}
            answer = stranger.post(path, guess, headers=said)
            if answer.status_code == 429:
                break
        assert answer.status_code == 429
        said = {"X-Forwarded-For": "[2001:db8::7]:40123"}
        right = {"username": "anna", "password": PASSWORD}
        assert node.client().post(path, right, headers=said).status_code == 200


def test_when_hashing_is_busy_the_client_is_told_to_come_back(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> bool:
        raise Busy

    monkeypatch.setattr(node.services.passwords, "verify", busy)
    answer = node.client().post("/login", {"username": "admin", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"]


def test_a_changed_password_signs_out_everywhere(node: Node) -> None:
    anna = node.agent("anna")
    wrong = anna.put("/me/password", {"old_password": "no", "new_password": "another-good-one"})
    assert wrong.status_code == 401
    weak = anna.put("/me/password", {"old_password": PASSWORD, "new_password": "short"})
    assert (weak.status_code, weak.json()["errors"][0]["field"]) == (422, "password")
    done = anna.put("/me/password", {"old_password": PASSWORD, "new_password": "another-good-one"})
    assert done.status_code == 204
    assert anna.get("/me").status_code == 401
    body = {"username": "anna", "password": "another-good-one"}
    assert node.client().post("/tokens", body).status_code == 200


def test_an_agent_of_an_account_that_is_not_served_is_nobody_here(node: Node) -> None:
    anna = node.agent("anna")
    services = node.services
    person_id = anna.data("/me")["person"]["id"]
    with reading(services.engine) as conn:
        gone = replace(people.get(conn, person_id), appid="wx_demo", kf_account="anna@demo")
    opened = services.logins.open_token(gone, services.logins.epoch(person_id))
    assert node.client(opened.secret).get("/me").status_code == 401
    assert anna.get("/me").status_code == 200
