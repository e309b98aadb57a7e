"""An account, and pushes signed and sealed for it by an implementation that is not the server's."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from pydantic import SecretStr
from wechatpy.crypto import PrpCrypto
from wechatpy.crypto.base import WeChatCipher

from config.accounts import AccountKind, CallbackMode, OfficialAccount

APPID = "wxba5fad812f8e6fb9"
TOKEN = "AAAAA"
ENCODING_KEY = "A" * 43
OTHER_KEY = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP0"
OPENID = "o9AgO5Kd5ggOC-bXrbNODIiE3bGY"
ORIGINAL_ID = "gh_97417a04a28d"
NOW_S = 1_714_112_445
NONCE = "415670741"


def account(mode: str = "safe", **changes: Any) -> OfficialAccount:
    values: dict[str, Any] = {
        "appid": APPID,
        "app_secret": SecretStr("the-app-secret"),
        "token": SecretStr(TOKEN),
        "encoding_aes_key": SecretStr(ENCODING_KEY),
        "callback_mode": CallbackMode(mode),
        "kind": AccountKind.OFFICIAL,
    }
    return OfficialAccount(**{**values, **changes})


def sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def xml(**fields: str | int) -> bytes:
    """One push; ints bare, strings in CDATA, and strings that are markup already as they are."""
    merged: dict[str, str | int] = {
        "ToUserName": ORIGINAL_ID,
        "FromUserName": OPENID,
        "CreateTime": NOW_S,
        **fields,
    }
    return f"<xml>{''.join(_element(k, v) for k, v in merged.items())}</xml>".encode()


def _element(name: str, value: str | int) -> str:
    if isinstance(value, int) or value.startswith("<"):
        return f"<{name}>{value}</{name}>"
    return f"<{name}><![CDATA[{value}]]></{name}>"


def text_push(content: str = "hello", msg_id: int = 6272960105994287618) -> bytes:
    return xml(MsgType="text", Content=content, MsgId=msg_id)


def key_bytes(encoding_key: str = ENCODING_KEY) -> bytes:
    return base64.b64decode(encoding_key + "=")


def seal(message: bytes, appid: str = APPID, encoding_key: str = ENCODING_KEY) -> str:
    sealed: bytes = PrpCrypto(key_bytes(encoding_key)).encrypt(message, appid)
    return sealed.decode()


def seal_raw(plain: bytes, encoding_key: str = ENCODING_KEY) -> bytes:
    """AES-CBC over bytes that need not be a legal layout."""
    raw: bytes = WeChatCipher(key_bytes(encoding_key)).encrypt(plain)
    return raw


def sealed_query(encrypted: str, stamp: int = NOW_S, nonce: str = NONCE) -> dict[str, str]:
    return {
        "signature": sha1(TOKEN, str(stamp), nonce),
        "timestamp": str(stamp),
        "nonce": nonce,
        "encrypt_type": "aes",
        "msg_signature": sha1(TOKEN, str(stamp), nonce, encrypted),
    }


def sealed_push(encrypted: str, clear: str = "") -> tuple[dict[str, str], bytes]:
    body = (
        f"<xml><ToUserName><![CDATA[{ORIGINAL_ID}]]></ToUserName>{clear}"
        f"<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    )
    return sealed_query(encrypted), body.encode()


def plain_query(stamp: int = NOW_S, nonce: str = NONCE) -> dict[str, str]:
    signature = sha1(TOKEN, str(stamp), nonce)
    return {"signature": signature, "timestamp": str(stamp), "nonce": nonce}
