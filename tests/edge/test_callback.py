"""The routes WeChat calls: what is let in, what is refused, what is answered."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from wechatpy.crypto import WeChatCrypto
from werkzeug.test import TestResponse

from app.account import Account
from app.edge.callback import blueprint, front
from app.metrics.prometheus import REGISTRY
from app.wechat.fields import ACCOUNT
from config.accounts import CallbackMode
from sessions.model import StoreDown
from tests.conversations.conftest import Office

AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
TOKEN = "token1"
OPENID = "oCallback00000000000000000001"


def text_xml(content: str = "你好", msg_id: int = 1) -> str:
    return (
        f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[{OPENID}]]>"
        f"</FromUserName><CreateTime>{int(time.time())}</CreateTime><MsgType><![CDATA[text]]>"
        f"</MsgType><Content><![CDATA[{content}]]></Content><MsgId>{msg_id}</MsgId></xml>"
    )


def event_xml(event: str, key: str = "") -> str:
    return (
        f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[{OPENID}]]>"
        f"</FromUserName><CreateTime>1</CreateTime><MsgType><![CDATA[event]]></MsgType>"
        f"<Event><![CDATA[{event}]]></Event><EventKey><![CDATA[{key}]]></EventKey></xml>"
    )


class WeChat:
    """The platform's hand: signs and encrypts with wechatpy."""

    def __init__(self, account: Account, client: FlaskClient) -> None:
        self.appid = account.appid
        self.path = f"/wechat/callback/{account.appid}"
        self.client = client
        self.crypto = WeChatCrypto(TOKEN, AES_KEY, account.appid)

    def query(self, **more: str) -> dict[str, str]:
        stamp, nonce = str(int(time.time())), secrets.token_hex(5)
        signed = "".join(sorted([TOKEN, stamp, nonce]))
        signature = hashlib.sha1(signed.encode(), usedforsecurity=False).hexdigest()
        return {"signature": signature, "timestamp": stamp, "nonce": nonce, **more}

    def plain(self, xml: str, **more: str) -> TestResponse:
        return self.post(self.query(**more), xml.encode())

    def safe(self, xml: str, clear: str = "", appid: str = "", **more: str) -> TestResponse:
        """``clear`` elements stand beside the cipher text, as in compat mode."""
        crypto = WeChatCrypto(TOKEN, AES_KEY, appid or self.appid)
        query = self.query(encrypt_type="aes")
        envelope = crypto.encrypt_message(xml, query["nonce"], query["timestamp"])
        query["msg_signature"] = envelope.split("<MsgSignature><![CDATA[")[1].split("]]>")[0]
        cipher = envelope.split("<Encrypt><![CDATA[")[1].split("]]>")[0]
        body = f"<xml>{clear}<Encrypt><![CDATA[{cipher}]]></Encrypt></xml>"
        return self.post(query | more, body.encode())

    def post(self, query: Mapping[str, str], body: bytes, **more: Any) -> TestResponse:
        return self.client.post(self.path, query_string=dict(query), data=body, **more)

    def passive_text(self, answer: TestResponse, query: Mapping[str, str]) -> str:
        xml = self.crypto.decrypt_message(
            answer.text,
            answer.text.split("<MsgSignature><![CDATA[")[1].split("]]>")[0],
            answer.text.split("<TimeStamp>")[1].split("<")[0],
            query["nonce"],
        )
        return str(xml)


def served(office: Office, mode: CallbackMode) -> Account:
    config = office.account.config.model_copy(
        update={
            "token": SecretStr(TOKEN),
            "encoding_aes_key": SecretStr(AES_KEY),
            "callback_mode": mode,
        }
    )
    texts = {"serving": ""}  # as shipped: who is served at once is told nothing
    return replace(
        office.account, config=config, notices=lambda key, **_: texts.get(key, f"[{key}]")
    )


@pytest.fixture(params=["flask", "short way"])
def way(request: pytest.FixtureRequest) -> str:
    """Everything here holds for the Flask endpoint and for the short way in front of it."""
    name: str = request.param
    return name


@pytest.fixture
def wechat(request: pytest.FixtureRequest, office: Office, way: str) -> WeChat:
    return wechat_of(office, way, getattr(request, "param", CallbackMode.SAFE))


def wechat_of(office: Office, way: str, mode: CallbackMode) -> WeChat:
    account = served(office, mode)
    app = Flask("callback")
    app.register_blueprint(blueprint({account.appid: account}))
    if way != "flask":
        headers = {"X-Content-Type-Options": "nosniff"}
        app.wsgi_app = front(  # type: ignore[method-assign]
            app.wsgi_app, {account.appid: account}, headers, lambda given: given or "an-id"
        )
    return WeChat(account, app.test_client())


def stored(office: Office) -> list[str]:
    ids = office.account.queries.live(0, 10)
    return [m["text"] for sid in ids for m in office.account.queries.messages(sid, 0, 50)]


def test_the_url_is_verified_by_its_signature_and_echoes_verbatim(wechat: WeChat) -> None:
    good = wechat.client.get(wechat.path, query_string=wechat.query(echostr="4375120948345356249"))
    bad = wechat.client.get(
        wechat.path, query_string=wechat.query(echostr="1") | {"signature": "0" * 40}
    )
    assert (good.status_code, good.text, bad.status_code) == (200, "4375120948345356249", 403)


def test_the_only_account_is_served_without_its_appid_and_an_unknown_one_is_not_found(
    wechat: WeChat,
) -> None:
    query = wechat.query(echostr="7")
    assert wechat.client.get("/wechat/callback", query_string=query).text == "7"
    assert wechat.client.get("/wechat/callback/wxother", query_string=query).status_code == 404


def test_an_encrypted_push_is_stored_and_answered_success(wechat: WeChat, office: Office) -> None:
    office.agent("a@x")
    answer = wechat.safe(text_xml("有货吗"))
    assert (answer.status_code, answer.text) == (200, "success")
    assert stored(office) == ["有货吗"]


def test_the_queue_notice_rides_the_encrypted_passive_reply(wechat: WeChat) -> None:
    query = wechat.query(encrypt_type="aes")
    answer = wechat.safe(text_xml(), nonce=query["nonce"], timestamp=query["timestamp"])
    assert answer.status_code == 403  # another nonce than the signed one
    answer = wechat.safe(text_xml())
    assert answer.mimetype == "application/xml"
    assert "<Encrypt>" in answer.text and "[away]" not in answer.text


def test_every_delivery_gets_the_same_words(wechat: WeChat) -> None:
    answers = []
    for _ in range(4):
        query = wechat.query(encrypt_type="aes")
        envelope = wechat.crypto.encrypt_message(
            text_xml(msg_id=9), query["nonce"], query["timestamp"]
        )
        query["msg_signature"] = envelope.split("<MsgSignature><![CDATA[")[1].split("]]>")[0]
        answer = wechat.post(query, envelope.encode())
        answers.append("[away]" in wechat.passive_text(answer, query))
    assert answers == [True] * 4


@pytest.mark.parametrize(
    "more",
    [
        {"msg_signature": "0" * 40},
        {"msg_signature": ""},
        {"encrypt_type": ""},
        {"timestamp": str(int(time.time()) - 301)},
        {"timestamp": "abc"},
    ],
)
def test_what_is_not_proven_is_refused_and_leaves_nothing(
    wechat: WeChat, office: Office, more: dict[str, str]
) -> None:
    assert wechat.safe(text_xml(), **more).status_code == 403
    assert stored(office) == []


def test_a_push_of_another_account_is_refused(wechat: WeChat, office: Office) -> None:
    assert wechat.safe(text_xml(), appid="wx00000000000other").status_code in (400, 403)
    assert stored(office) == []


@pytest.mark.parametrize("wechat", [CallbackMode.COMPAT], indirect=True)
def test_in_compat_mode_only_the_encrypted_part_counts(wechat: WeChat, office: Office) -> None:
    office.agent("a@x")
    clear = text_xml("假的").removeprefix("<xml>").removesuffix("</xml>")
    assert wechat.safe(text_xml("真的"), clear=clear).status_code == 200
    assert stored(office) == ["真的"]
    assert wechat.plain(text_xml("伪造")).status_code == 403


@pytest.mark.parametrize("wechat", [CallbackMode.PLAIN], indirect=True)
def test_plain_mode_proves_by_signature_and_answers_in_clear(
    wechat: WeChat, office: Office
) -> None:
    answer = wechat.plain(text_xml("明文"))
    assert "<![CDATA[[away]]]>" in answer.text
    assert wechat.plain(text_xml(), signature="0" * 40).status_code == 403
    assert stored(office) == ["明文"]


@pytest.mark.parametrize("wechat", [CallbackMode.PLAIN], indirect=True)
@pytest.mark.parametrize(
    "body",
    [
        b"not xml",
        b"<html></html>",
        b"<!DOCTYPE x><xml></xml>",
        b"<xml><MsgType>text</MsgType></xml>",
        b'<xml a="1"></xml>',
        b"\xff\xfe<\x00",
    ],
)
def test_garbage_is_answered_400_and_never_500(wechat: WeChat, office: Office, body: bytes) -> None:
    assert wechat.post(wechat.query(), body).status_code == 400
    assert stored(office) == []


CASES = {
    "控制 \x14 \x1dc 符": "控制  c 符",
    "日志 \x1b[0;32mOK \x02 \x10": "日志 [0;32mOK",
    "<xml><Name><![CDATA[张 三]]></Name><status>1</status></xml>": None,
    "if (a[b[0]]>1) ok": None,
}


@pytest.mark.parametrize("mode", list(CallbackMode))
def test_what_customers_paste_is_stored_in_every_mode(
    office: Office, way: str, mode: CallbackMode
) -> None:
    office.agent("a@x")
    hand = wechat_of(office, way, mode)
    for number, pasted in enumerate(CASES):
        said = text_xml(pasted, number + 1)
        send = hand.plain if mode is CallbackMode.PLAIN else hand.safe
        assert [send(said).status_code for _ in range(3)] == [200] * 3
    assert [text.rstrip() for text in stored(office)] == [
        told or pasted for pasted, told in CASES.items()
    ]


UNKNOWN = [
    "not xml",
    "<xml><MsgType>text</MsgType></xml>",
    '<xml a="1"></xml>',
    event_xml("pic_weixin").replace("</xml>", "<SendPicsInfo>flat</SendPicsInfo></xml>"),
    event_xml("user_authorization_revoke"),
    event_xml("user_info_modified").replace(OPENID, "a sender@of the platform"),
    text_xml().replace("<MsgId>1</MsgId>", "<MsgId><a>1</a></MsgId>"),
]


@pytest.mark.parametrize("xml", UNKNOWN)
def test_a_proven_push_of_an_unknown_shape_is_counted_and_answered_success(
    wechat: WeChat, office: Office, xml: str
) -> None:
    before = counted("unknown")
    answer = wechat.safe(xml)
    assert (answer.status_code, answer.text) == (200, "success")
    assert counted("unknown") == before + 1
    assert stored(office) == []


@pytest.mark.parametrize(
    "xml", ["<!DOCTYPE x><xml><a>1</a></xml>", "<xml><a>&e;</a></xml>", "<xml>" + "<a>" * 99]
)
def test_what_attacks_is_refused_even_where_it_is_proven(wechat: WeChat, xml: str) -> None:
    assert wechat.safe(xml).status_code == 400


def test_an_event_about_the_account_is_nobodys_act(wechat: WeChat, office: Office) -> None:
    office.agent("a@x")
    wechat.safe(text_xml("在吗"))
    for event in sorted(ACCOUNT):
        answer = wechat.safe(event_xml(event))
        assert (answer.status_code, answer.text) == (200, "success")
    assert stored(office) == ["在吗"]


def test_an_event_about_a_person_makes_no_customer_of_the_platforms_sender(
    wechat: WeChat, office: Office
) -> None:
    office.agent("a@x")
    wechat.safe(text_xml("在吗"))
    system = "oSystem000000000000000000000"
    about = f"<OpenID>{OPENID}</OpenID><RevokeInfo>201</RevokeInfo></xml>"
    xml = event_xml("user_authorization_revoke").replace(OPENID, system).replace("</xml>", about)
    assert [wechat.safe(xml).status_code for _ in range(2)] == [200, 200]
    (sid,) = office.account.queries.live(0, 10)
    said, act = office.account.queries.messages(sid, 0, 50)[-2:]
    assert (said["text"], act["media"]["event"]) == ("在吗", "user_authorization_revoke")
    assert office.account.store.customer(system)[0].open_session == ""


def test_events_of_one_second_are_all_shown_and_each_once(wechat: WeChat, office: Office) -> None:
    office.agent("a@x")
    wechat.safe(text_xml("在吗"))
    cards = [
        event_xml("user_get_card").replace("</xml>", f"<CardId>{card}</CardId></xml>")
        for card in ("c1", "c2")
    ]
    for xml in cards * 2:
        assert wechat.safe(xml).status_code == 200
    (sid,) = office.account.queries.live(0, 10)
    found = office.account.queries.messages(sid, 0, 50)
    assert [m["media"]["detail"] for m in found if m["type"] == "event"] == ["c1", "c2"]


def counted(result: str) -> float:
    return REGISTRY.get_sample_value("kfring_callbacks_total", {"result": result}) or 0.0


def test_a_body_that_is_too_long_or_has_no_length_is_refused(wechat: WeChat) -> None:
    query = wechat.query(encrypt_type="aes", msg_signature="0" * 40)
    assert wechat.post(query, b"x" * (64 * 1024 + 1)).status_code == 413
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked"}
    assert wechat.post(query, b"abc", environ_overrides=chunked).status_code == 411


def test_a_store_that_is_away_is_answered_503_so_that_wechat_delivers_again(
    wechat: WeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise StoreDown("no Redis")

    monkeypatch.setattr("app.edge.callback.receive", down)
    answer = wechat.safe(text_xml())
    assert answer.status_code == 503 and answer.get_json(force=True)["code"] == "unavailable"


@pytest.mark.parametrize("event", ["subscribe", "unsubscribe", "VIEW", "LOCATION", "what_is_this"])
def test_every_event_is_answered_and_takes_no_seat(
    wechat: WeChat, office: Office, event: str
) -> None:
    office.agent("a@x")
    assert wechat.safe(event_xml(event)).status_code == 200
    assert office.account.seats.held("a@x") == set()


@pytest.mark.parametrize("way", ["short way"], indirect=True)
def test_the_short_way_carries_the_request_id_and_the_security_headers(wechat: WeChat) -> None:
    answer = wechat.post({}, b"<xml/>", headers={"X-Request-ID": "given-id"})
    assert answer.status_code == 403
    assert answer.headers["X-Request-ID"] == "given-id"
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("way", ["short way"], indirect=True)
def test_the_short_way_leaves_what_it_does_not_know_to_flask(wechat: WeChat) -> None:
    wechat.path = "/wechat/callback/wxother"
    assert wechat.post({}, b"<xml/>").status_code == 404
    assert wechat.client.put("/wechat/callback", data=b"").status_code == 405


def test_what_goes_wrong_unforeseen_is_answered_500_so_that_wechat_delivers_again(
    wechat: WeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("app.edge.callback.receive", broken)
    assert wechat.safe(text_xml()).status_code == 500
