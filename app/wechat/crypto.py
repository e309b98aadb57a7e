"""Signatures and the AES envelope of the callback (wechat-platform 1.2 to 1.4).

wechatpy gives the AES-CBC step (``WeChatCipher``). Its ``PrpCrypto`` and ``WeChatCrypto`` around
it are not used: they parse before they check the signature, compare it with ``!=``, trust the last
byte as padding, leak ``struct.error`` and ``binascii.Error``, and draw the prefix from ``random``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

from pydantic import SecretStr
from wechatpy.crypto.base import WeChatCipher

from app.wechat.xml import BadPush

RANDOM_BYTES = 16
HEADER_BYTES = RANDOM_BYTES + 4  # random, then the message length
AES_BLOCK_BYTES = 16
PAD_BLOCK_BYTES = 32  # PKCS#7 here pads to 32, not to AES's 16
_PADDING = [bytes([count]) * count for count in range(PAD_BLOCK_BYTES + 1)]
_ENCODING_KEY = re.compile(r"[A-Za-z0-9+/]{43}")


class Refused(Exception):
    """Not proven to come from the platform (HTTP 403). The text quotes nothing of the push."""


class CallbackAccount(Protocol):
    """The part of an official account's settings that the callback needs."""

    @property
    def appid(self) -> str: ...
    @property
    def token(self) -> SecretStr: ...
    @property
    def encoding_aes_key(self) -> SecretStr | None: ...
    @property
    def encoding_aes_key_previous(self) -> SecretStr | None: ...
    @property
    def callback_mode(self) -> str: ...
    @property
    def kind(self) -> str: ...


class CallbackKeys:
    """Key material of one account, prepared once. Safe to share between threads.

    ``mode`` is safe, compat or plain; ``kind`` is official or miniprogram.
    """

    __slots__ = ("_appid_bytes", "_ciphers", "_token", "appid", "kind", "mode")

    def __init__(
        self, appid: str, token: str, encoding_keys: Sequence[str], mode: str, kind: str
    ) -> None:
        if mode != "plain" and not encoding_keys:
            raise ValueError(f"callback mode {mode} needs an EncodingAESKey")
        self.appid = appid
        self.mode = mode
        self.kind = kind
        self._token = token
        self._appid_bytes = appid.encode()
        self._ciphers = tuple(WeChatCipher(aes_key(text)) for text in encoding_keys)

    def __repr__(self) -> str:
        return f"CallbackKeys({self.appid}, {self.mode})"

    def signature(self, *parts: str) -> str:
        """Lower-case hex SHA-1 over the sorted token and parts (timestamp, nonce[, encrypt])."""
        joined = "".join(sorted((self._token, *parts)))
        return hashlib.sha1(joined.encode("utf-8", "replace")).hexdigest()

    def check(self, claimed: str, *parts: str) -> None:
        """Compare in constant time; raises Refused."""
        expected = self.signature(*parts).encode()
        if not hmac.compare_digest(expected, claimed.encode("utf-8", "replace")):
            raise Refused("bad signature")

    def decrypt(self, encrypted: str) -> bytes:
        """Open base64 cipher text with the present or the previous key.

        Raises BadPush where no key opens it, Refused where it was made for another appid.
        """
        cipher_text = _unbase64(encrypted)
        for cipher in self._ciphers:
            opened = _unpack(cipher.decrypt(cipher_text))
            if opened is None:
                continue
            message, appid = opened
            if not hmac.compare_digest(appid, self._appid_bytes):
                raise Refused("made for another appid")
            return message
        raise BadPush("cannot be decrypted")

    def encrypt(self, message: bytes, random_prefix: bytes | None = None) -> str:
        """Seal a reply with the present key; base64. ``random_prefix`` (16 bytes) is for tests."""
        if not self._ciphers:
            raise ValueError("no EncodingAESKey")
        prefix = os.urandom(RANDOM_BYTES) if random_prefix is None else random_prefix
        plain = b"".join((prefix, len(message).to_bytes(4, "big"), message, self._appid_bytes))
        plain += _PADDING[PAD_BLOCK_BYTES - len(plain) % PAD_BLOCK_BYTES]
        return base64.b64encode(self._ciphers[0].encrypt(plain)).decode()

    def envelope(self, message: str, now_s: int, nonce: str) -> str:
        """The encrypted passive reply; ``nonce`` is the one of the push's URL."""
        encrypted = self.encrypt(message.encode())
        signature = self.signature(str(now_s), nonce, encrypted)
        return (
            f"<xml><Encrypt>{cdata(encrypted)}</Encrypt>"
            f"<MsgSignature>{cdata(signature)}</MsgSignature>"
            f"<TimeStamp>{now_s}</TimeStamp><Nonce>{cdata(nonce)}</Nonce></xml>"
        )


def keys_of(account: CallbackAccount) -> CallbackKeys:
    """Key material of an account, built at its first use. Raises ValueError for a bad key."""
    return _keys(
        account.appid,
        account.token.get_secret_value(),
        _revealed(account.encoding_aes_key),
        _revealed(account.encoding_aes_key_previous),
        account.callback_mode,
        account.kind,
    )


def aes_key(encoding_key: str) -> bytes:
    """The 32 key bytes of a 43-character EncodingAESKey; raises ValueError."""
    if not _ENCODING_KEY.fullmatch(encoding_key):
        raise ValueError("an EncodingAESKey has 43 letters and digits")
    return base64.b64decode(encoding_key + "=")


def cdata(text: str) -> str:
    """A CDATA section; ``]]>`` inside is split over two sections."""
    return f"<![CDATA[{split_cdata(text)}]]>"


def split_cdata(text: str) -> str:
    """Text that can stand inside a CDATA section which somebody else writes around it."""
    return text.replace("]]>", "]]]]><![CDATA[>")


@lru_cache(maxsize=256)
def _keys(appid: str, token: str, key: str, previous: str, mode: str, kind: str) -> CallbackKeys:
    return CallbackKeys(appid, token, [text for text in (key, previous) if text], mode, kind)


def _revealed(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


def _unbase64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadPush("cannot be decrypted") from None
    if len(raw) < 2 * AES_BLOCK_BYTES or len(raw) % AES_BLOCK_BYTES:
        raise BadPush("cannot be decrypted")
    return raw


def _unpack(plain: Any) -> tuple[bytes, bytes] | None:
    """Split random | length | message | appid | padding; None where any part does not fit."""
    count = plain[-1]
    if not 1 <= count <= PAD_BLOCK_BYTES or not plain.endswith(_PADDING[count]):
        return None
    end = len(plain) - count
    message_end = HEADER_BYTES + int.from_bytes(plain[RANDOM_BYTES:HEADER_BYTES], "big")
    if message_end > end or end < HEADER_BYTES:
        return None
    return plain[HEADER_BYTES:message_end], plain[message_end:end]
