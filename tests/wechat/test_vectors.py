"""The platform's published vectors (wechat-platform 1.5) and agreement with wechatpy."""

from __future__ import annotations

import json
import os

import pytest
import xmltodict
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from wechatpy import parse_message
from wechatpy.crypto import PrpCrypto, WeChatCrypto

from app.wechat.crypto import CallbackKeys, aes_key, keys_of
from app.wechat.inbound import Refused, passive_reply, read_push, verify_url
from tests.wechat import pushes
from tests.wechat.pushes import APPID, ENCODING_KEY, NONCE, NOW_S, TOKEN, account

ENCRYPTED_POST = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqz"
    "DpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede"
    "2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAl"
    "r7F9mFUPAJGj04="
)
REPLY_CIPHER = (
    "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="
)


def test_vector_1_the_url_check_answers_the_echostr() -> None:
    query = {
        "signature": "f464b24fc39322e44b38aa78f5edd27bd1441696",
        "timestamp": "1714036504",
        "nonce": "1514711492",
        "echostr": "4375120948345356249",
    }
    assert verify_url(account(), query, 1714036504) == "4375120948345356249"


def test_vector_2_a_plain_push_is_proven_by_its_url_signature() -> None:
    query = {
        "signature": "899cf89e464efb63f54ddac96b0a0a235f53aa78",
        "timestamp": "1714037059",
        "nonce": "486452656",
    }
    inbound = read_push(account("plain"), query, pushes.text_push("hi"), 1714037059)
    assert inbound.text == "hi"


@pytest.mark.parametrize("mode", ["safe", "compat"])
def test_vector_3_an_encrypted_json_push_is_read(mode: str) -> None:
    query = {
        "signature": "6c5c811b55cc85e0e1b54100749188c20beb3f5d",
        "msg_signature": "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3",
        "timestamp": "1714112445",
        "nonce": "415670741",
        "encrypt_type": "aes",
    }
    body = json.dumps({"ToUserName": "gh_97417a04a28d", "Encrypt": ENCRYPTED_POST}).encode()
    inbound = read_push(account(mode), query, body, NOW_S)
    assert (inbound.kind, inbound.event) == ("event", "debug_demo")
    assert inbound.openid == "o9AgO5Kd5ggOC-bXrbNODIiE3bGY"
    assert inbound.to == "gh_97417a04a28d"
    message = keys_of(account()).decrypt(ENCRYPTED_POST)
    assert len(message) == 167
    assert json.loads(message)["debug_str"] == "hello world"


def test_vector_4_an_encrypted_reply_has_the_published_bytes_and_signature() -> None:
    keys = keys_of(account())
    assert keys.encrypt(b'{"demo_resp":"good luck"}', b"707722b803182950") == REPLY_CIPHER
    assert (
        keys.signature("1713424427", "415670741", REPLY_CIPHER)
        == "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1"
    )


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.binary(min_size=16, max_size=16))
def test_both_directions_agree_with_wechatpy(text: str, prefix: bytes) -> None:
    keys = keys_of(account())
    theirs = PrpCrypto(aes_key(ENCODING_KEY))
    assert theirs.decrypt(keys.encrypt(text.encode(), prefix), APPID) == text
    assert keys.decrypt(theirs.encrypt(text, APPID).decode()) == text.encode()


def test_every_padding_length_is_read_back() -> None:
    keys = keys_of(account())
    for length in range(70):
        message = os.urandom(length)
        assert keys.decrypt(keys.encrypt(message)) == message


def test_wechatpy_opens_the_reply_that_we_seal() -> None:
    inbound = read_push(account(), *pushes.sealed_push(pushes.seal(pushes.text_push())), NOW_S)
    body, mimetype = passive_reply(account(), inbound, "您好 ]]> <b>", NOW_S, NONCE)
    envelope = xmltodict.parse(body)["xml"]
    crypto = WeChatCrypto(TOKEN, ENCODING_KEY, APPID)
    clear = crypto.decrypt_message(body, envelope["MsgSignature"], envelope["TimeStamp"], NONCE)
    reply = parse_message(clear)
    assert mimetype == "application/xml"
    assert envelope["Nonce"] == NONCE
    assert (reply.source, reply.target, reply.content) == (
        pushes.ORIGINAL_ID,
        pushes.OPENID,
        "您好 ]]> <b>",
    )


def test_a_push_with_the_previous_key_is_still_read() -> None:
    rotated = account(
        encoding_aes_key=SecretStr(pushes.OTHER_KEY),
        encoding_aes_key_previous=SecretStr(ENCODING_KEY),
    )
    old = pushes.sealed_push(pushes.seal(pushes.text_push("old")))
    new = pushes.sealed_push(pushes.seal(pushes.text_push("new"), encoding_key=pushes.OTHER_KEY))
    assert read_push(rotated, *old, NOW_S).text == "old"
    assert read_push(rotated, *new, NOW_S).text == "new"


def test_a_push_for_another_appid_is_refused() -> None:
    with pytest.raises(Refused, match="another appid"):
        read_push(account(), *pushes.sealed_push(pushes.seal(pushes.text_push(), "wx1")), NOW_S)


@pytest.mark.parametrize("key", ["", "A" * 42, "A" * 44, "A" * 42 + "!"])
def test_a_wrong_encoding_key_is_named_at_once(key: str) -> None:
    with pytest.raises(ValueError, match="EncodingAESKey"):
        CallbackKeys(APPID, TOKEN, [key] if key else [], "safe", "official")
