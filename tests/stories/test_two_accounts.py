"""An official account and a mini program on one node: nothing of one is ever seen in the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
from pydantic import SecretStr

from app import wiring
from app.edge.server import create_app
from app.node.context import NodeContext
from config.settings import load_settings
from simulator import samples
from simulator.config import SimAccount, SimulatorConfig
from simulator.web import create_simulator
from tests.api.conftest import PASSWORD, Running
from tests.passwords import cheap_passwords
from tests.servers import PrivateRedis
from tests.support import free_port, wait_until

KEY = "A" * 43
DATABASE = 15


@dataclass
class House:
    """One node with two accounts, and the platform of both."""

    base: str
    platform: str
    shop: str
    mini: str
    token: str = ""

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> requests.Response:
        headers = {"Authorization": f"Bearer {token or self.token}"} if token or self.token else {}
        url = f"{self.base}/api/v1{path}"
        return requests.request(method, url, json=body, headers=headers, timeout=20)

    def data(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        answer = self.call(method, path, body, token)
        assert answer.ok, answer.text
        return answer.json()["data"]

    def sign_in(self, username: str) -> str:
        body = {"username": username, "password": PASSWORD}
        token: str = self.data("POST", "/tokens", body)["access_token"]
        return token

    def agent(self, appid: str, username: str) -> str:
        """A kf account with the prefix ``amy``, whoever the person is; his token."""
        body = {"kf_account": "amy", "nickname": "Amy", "username": username, "password": PASSWORD}
        self.data("POST", f"/admin/kf-accounts?appid={appid}", body)
        token = self.sign_in(username)
        self.data("PUT", "/me/presence", {"status": "online"}, token)
        return token

    def pushes(self, appid: str, openid: str, **spec: Any) -> dict[str, Any]:
        url = f"{self.platform}/sim/api/followers/{openid}/messages?appid={appid}"
        answer = requests.post(url, json=spec, timeout=20)
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def heard(self, appid: str, openid: str) -> list[str]:
        """What the customer got through custom/send."""
        url = f"{self.platform}/sim/api/followers/{openid}/transcript?appid={appid}"
        rows = requests.get(url, timeout=20).json()["data"]
        return [r["text"] for r in rows if r["direction"] == "out" and not r.get("passive")]

    def calls(self, path: str) -> list[dict[str, Any]]:
        rows = requests.get(f"{self.platform}/sim/api/requests", timeout=20).json()["data"]
        return [row for row in rows if row["path"] == path]


@pytest.fixture
def house(redis_server: PrivateRedis, tmp_path: Path, appid: str) -> Iterator[House]:
    port, shop, mini = free_port(), appid, f"{appid}m"
    accounts, sims = [], []
    for name, kind in ((shop, "official"), (mini, "miniprogram")):
        wechat_id = f"{kind}_id"
        accounts.append(
            f'[[accounts]]\nappid = "{name}"\napp_secret = "secret-{kind}"\ntoken = "AAAAA"\n'
            f'encoding_aes_key = "{KEY}"\nwechat_id = "{wechat_id}"\nkind = "{kind}"\n'
        )
        sims.append(
            SimAccount(
                appid=name,
                secret=f"secret-{kind}",
                token="AAAAA",
                encoding_aes_key=KEY,
                wechat_id=wechat_id,
                callback_url=f"http://127.0.0.1:{port}/wechat/callback/{name}",
                kind=kind,
            )
        )
    file = tmp_path / "accounts.toml"
    file.write_text("\n".join(accounts))
    platform = Running(create_simulator(SimulatorConfig(accounts=tuple(sims))))
    url = redis_server.url.replace("/0", f"/{DATABASE}")
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    settings = load_settings(
        {
            "KF_ACCOUNTS_FILE": str(file),
            "KF_WECHAT_API_BASE": platform.base,
            "KF_REDIS_URL": url,
            "KF_DATA_DIR": str(tmp_path),
            "KF_LOG_LEVEL": "error",
            "KF_ADMIN_PASSWORD": PASSWORD,
            "KF_SWEEP_S": "1",
            "KF_THREADS": "60",
            "KF_STREAMS_MAX": "20",
        },
        None,
    )
    context = NodeContext(
        redis_url=url,
        embedded=False,
        draining=threading.Event().is_set,
        base_url=f"http://127.0.0.1:{port}",
        demo=None,
        node_id=f"test-{time.monotonic_ns()}",
        secret_key=SecretStr("a-secret-key-of-the-test"),
        admin_password=SecretStr(PASSWORD),
    )
    server = Running(create_app(wiring.build(settings, context, cheap_passwords())), port)
    made = House(server.base, platform.base, shop, mini)
    made.token = made.sign_in("admin")
    yield made
    server.stop()
    wiring.shutdown()
    platform.stop()


def test_one_openid_and_one_kf_prefix_in_two_accounts_are_two_people(house: House) -> None:
    shop_amy, mini_amy = house.agent(house.shop, "amy1"), house.agent(house.mini, "amy2")
    house.pushes(house.shop, "o1", text="公众号里问")
    house.pushes(house.mini, "o1", text="小程序里问")
    (of_shop,) = house.data("GET", "/sessions?mine=1", token=shop_amy)
    (of_mini,) = house.data("GET", "/sessions?mine=1", token=mini_amy)
    assert (of_shop["appid"], of_mini["appid"]) == (house.shop, house.mini)
    assert of_shop["kf_account"] == "amy@official_id"
    assert of_mini["kf_account"] == "amy@miniprogram_id"

    for token, session, text in ((shop_amy, of_shop, "店里答"), (mini_amy, of_mini, "程序答")):
        body = {"client_id": "c1", "type": "text", "text": text}
        house.data("POST", f"/sessions/{session['id']}/messages", body, token)
    wait_until(lambda: house.heard(house.shop, "o1") == ["店里答"])
    wait_until(lambda: house.heard(house.mini, "o1")[-1:] == ["程序答"])

    assert house.call("GET", f"/sessions/{of_mini['id']}", token=shop_amy).status_code == 404
    peek = house.call("GET", f"/sessions?appid={house.mini}", token=shop_amy)
    assert peek.status_code == 403


def test_admin_routes_ask_which_account_and_answer_for_that_one_only(house: House) -> None:
    house.agent(house.shop, "amy1")
    assert house.call("GET", "/admin/groups").status_code == 422
    assert house.call("GET", "/admin/groups?appid=wxnobody").status_code == 404
    names = [
        [row["kf_account"] for row in house.data("GET", f"/admin/kf-accounts?appid={appid}")]
        for appid in (house.shop, house.mini)
    ]
    assert names == [["amy@official_id"], []]
    rules = {"keywords": [{"words": ["经理"], "group": "general_support"}]}
    house.data("PUT", f"/admin/routing/transfers?appid={house.shop}", rules)
    versions = [
        house.data("GET", f"/admin/routing/transfers?appid={appid}")["version"]
        for appid in (house.shop, house.mini)
    ]
    assert versions == [1, 0]
    facts = {"vip_level": 5}
    house.data("PUT", f"/customers/o1/facts?appid={house.mini}", facts)
    assert house.call("GET", f"/customers/o1?appid={house.shop}").status_code == 404
    assert house.data("GET", f"/customers/o1?appid={house.mini}")["facts"]["vip_level"] == 5


def test_a_push_with_the_keys_of_one_account_is_refused_by_the_other(house: House) -> None:
    url = f"{house.base}/wechat/callback/wxunknown"
    assert requests.post(url, data=b"<xml/>", timeout=5).status_code == 404
    bare = requests.post(f"{house.base}/wechat/callback", data=b"<xml/>", timeout=5)
    assert bare.status_code == 404


def test_a_mini_program_greets_and_tells_by_message_and_answers_only_success(house: House) -> None:
    entered = house.pushes(house.mini, "o1", type="event", event="user_enter_tempsession")
    assert entered["statuses"] == [200]
    assert not entered.get("reply")
    wait_until(lambda: len(house.heard(house.mini, "o1")) == 1)
    asked = house.pushes(house.mini, "o1", text="在吗")
    assert not asked.get("reply")
    wait_until(lambda: len(house.heard(house.mini, "o1")) == 2)

    amy = house.agent(house.mini, "amy2")
    (session,) = wait_until(lambda: house.data("GET", "/sessions?mine=1", token=amy))
    page = {"title": "订单", "page_path": "pages/order?id=7", "thumb_url": "https://x.example/1"}
    house.pushes(house.mini, "o1", type="miniprogrampage", extra={}, **page)
    house.data("POST", f"/sessions/{session['id']}/typing", {}, amy)
    wait_until(lambda: house.calls("/cgi-bin/message/custom/business/typing"))
    assert not house.calls("/cgi-bin/message/custom/typing")
    messages = house.data("GET", f"/sessions/{session['id']}/messages", token=amy)
    assert [m["type"] for m in messages if m["direction"] == "in"] == ["text", "miniprogrampage"]
    assert [m["status"] for m in messages if m.get("notice")] == ["sent"]


LINK = {"title": "活动", "description": "满减", "url": "https://example.com/a"}
PAGE = {"title": "订单", "pagepath": "pages/order?id=1"}
REFUSED = {
    "voice": {"media_id": "m"},
    "video": {"media_id": "m"},
    "news": {"article": LINK},
    "msgmenu": {"menu": {"head": "请选择", "items": ["查物流"]}},
}


def test_a_mini_program_sends_what_wechat_takes_of_it_and_names_nobody(house: House) -> None:
    amy = house.agent(house.mini, "amy2")
    house.pushes(house.mini, "o1", text="在吗")
    (session,) = house.data("GET", "/sessions?mine=1", token=amy)
    path = f"/sessions/{session['id']}/messages"
    for kind, parts in REFUSED.items():
        answer = house.call("POST", path, {"client_id": kind, "type": kind, **parts}, amy)
        assert (answer.status_code, answer.json()["code"]) == (422, "type_not_for_account")
    (account,) = house.data("GET", "/me", token=amy)["accounts"]
    assert account["sends"] == ["image", "link", "miniprogrampage", "text"]

    house.data("POST", path, {"client_id": "l", "type": "link", "link": LINK}, amy)
    files = {"file": ("a.png", samples.png(8, 8))}
    headers = {"Authorization": f"Bearer {amy}"}
    upload = requests.post(f"{house.base}/api/v1/media", files=files, headers=headers, timeout=20)
    picture = upload.json()["data"]["media_id"]
    page = {"client_id": "p", "type": "miniprogrampage", "page": PAGE, "media_id": picture}
    house.data("POST", path, page, amy)
    wait_until(lambda: house.heard(house.mini, "o1")[-2:] == ["活动", "订单"])
    sent = [call["body"] for call in house.calls("/cgi-bin/message/custom/send")]
    assert all("customservice" not in body for body in sent)
    assert sent[-2]["link"] == LINK
    assert set(sent[-1]["miniprogrampage"]) == {"title", "pagepath", "thumb_media_id"}


def test_an_official_account_sends_no_link_cards_and_names_the_mini_program(house: House) -> None:
    amy = house.agent(house.shop, "amy1")
    house.pushes(house.shop, "o1", text="在吗")
    (session,) = house.data("GET", "/sessions?mine=1", token=amy)
    path = f"/sessions/{session['id']}/messages"
    link = house.call("POST", path, {"client_id": "l", "type": "link", "link": LINK}, amy)
    assert (link.status_code, link.json()["code"]) == (422, "type_not_for_account")
    page = {"client_id": "p", "type": "miniprogrampage", "page": PAGE, "media_id": "m"}
    assert house.call("POST", path, page, amy).json()["code"] == "invalid"


def test_a_mini_program_asks_for_a_rating_with_a_text_and_no_call_is_refused(house: House) -> None:
    amy = house.agent(house.mini, "amy2")
    house.pushes(house.mini, "o1", text="在吗")
    (session,) = house.data("GET", "/sessions?mine=1", token=amy)
    said = len(house.heard(house.mini, "o1"))
    house.data("POST", f"/sessions/{session['id']}/close", {"reason": "done", "survey": True}, amy)
    wait_until(lambda: len(house.heard(house.mini, "o1")) == said + 1)
    calls = house.calls("/cgi-bin/message/custom/send")
    assert {call["body"]["msgtype"] for call in calls} == {"text"}
    assert {call["errcode"] for call in calls} == {0}
    assert "\n" in house.heard(house.mini, "o1")[-1]
