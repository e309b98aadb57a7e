"""Encrypted text pushes made ahead: signed for now, so good for the callback's 300 seconds."""

from __future__ import annotations

import base64
import hashlib
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from wechatpy.crypto.base import WeChatCipher

from tests.e2e.world import AES_KEY, Credentials

USERS = 500
PAD_BYTES = 32
_numbers = itertools.count(7_000_000_000_000_000_000)


def openid(user: int) -> str:
    return f"oBench{user:022d}"


class Maker:
    """The platform's hand for one official account: another implementation than the server's."""

    def __init__(self, credentials: Credentials) -> None:
        self._of = credentials
        self._cipher = WeChatCipher(base64.b64decode(AES_KEY + "="))

    def push(self, user: int, text: str = "请问这件商品还有货吗？") -> tuple[str, bytes]:
        """(path with its signed query, body) of a message with an id of its own."""
        now_s = int(time.time())
        inner = (
            f"<xml><ToUserName><![CDATA[{self._of.original_id}]]></ToUserName>\n"
            f"<FromUserName><![CDATA[{openid(user)}]]></FromUserName>\n"
            f"<CreateTime>{now_s}</CreateTime>\n<MsgType><![CDATA[text]]></MsgType>\n"
            f"<Content><![CDATA[{text}]]></Content>\n<MsgId>{next(_numbers)}</MsgId>\n</xml>"
        )
        sealed, stamp, nonce = self._seal(inner.encode()), str(now_s), os.urandom(5).hex()
        query = {
            "signature": _sha1(self._of.token, stamp, nonce),
            "timestamp": stamp,
            "nonce": nonce,
            "openid": openid(user),
            "encrypt_type": "aes",
            "msg_signature": _sha1(self._of.token, stamp, nonce, sealed),
        }
        body = (
            f"<xml><ToUserName><![CDATA[{self._of.original_id}]]></ToUserName>"
            f"<Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
        )
        return f"/wechat/callback/{self._of.appid}?{urlencode(query)}", body.encode()

    def line(self, user: int, text: str = "请问这件商品还有货吗？") -> bytes:
        """A push as ``load.post`` and the wrk script read it: path, tab, body."""
        target, body = self.push(user, text)
        return target.encode() + b"\t" + body

    def many(self, count: int, users: int = USERS) -> Iterator[tuple[str, bytes]]:
        """The customers in turn."""
        return (self.push(number % users) for number in range(count))

    def _seal(self, message: bytes) -> str:
        plain = os.urandom(16) + len(message).to_bytes(4, "big") + message + self._of.appid.encode()
        pad = PAD_BYTES - len(plain) % PAD_BYTES
        return base64.b64encode(self._cipher.encrypt(plain + bytes([pad]) * pad)).decode()


def write(path: Path, pushes: Iterator[tuple[str, bytes]]) -> None:
    """One push a line, as the wrk script reads it: path, tab, body."""
    with path.open("wb") as file:
        for target, body in pushes:
            file.write(target.encode() + b"\t" + body + b"\n")


def _sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()
