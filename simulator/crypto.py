"""Signatures and the AES envelope of the push interface (wechat-platform 1.2 to 1.4)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK_BYTES = 32


class EnvelopeError(Exception):
    """An encrypted text that the platform could not have accepted."""


def sign(*parts: str) -> str:
    """SHA-1 over the parts sorted by bytes and joined without a separator, lower-case hex."""
    return hashlib.sha1(b"".join(sorted(p.encode() for p in parts))).hexdigest()


def same(left: str, right: str) -> bool:
    """Constant-time comparison of two signatures."""
    return hmac.compare_digest(left.encode(), right.encode())


def encrypt(aes_key: str, appid: str, message: bytes, prefix: bytes | None = None) -> str:
    """Base64 of AES-256-CBC over random(16) | length | message | appid, padded to 32 bytes."""
    head = secrets.token_hex(8).encode() if prefix is None else prefix
    plain = head + struct.pack(">I", len(message)) + message + appid.encode()
    pad = BLOCK_BYTES - len(plain) % BLOCK_BYTES
    encryptor = _cipher(aes_key).encryptor()
    sealed = encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()
    return base64.b64encode(sealed).decode()


def decrypt(aes_key: str, appid: str, sealed: str) -> bytes:
    """The message inside ``sealed``; EnvelopeError when anything about it is wrong."""
    try:
        raw = base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EnvelopeError("not base64") from error
    if not raw or len(raw) % 16:
        raise EnvelopeError("length is not a multiple of the cipher block")
    decryptor = _cipher(aes_key).decryptor()
    return _unpack(decryptor.update(raw) + decryptor.finalize(), appid)


def _unpack(plain: bytes, appid: str) -> bytes:
    pad = plain[-1]
    if not 1 <= pad <= BLOCK_BYTES or plain[-pad:] != bytes([pad]) * pad:
        raise EnvelopeError("bad padding")
    body = plain[:-pad]
    if len(body) < 20:
        raise EnvelopeError("too short")
    (length,) = struct.unpack(">I", body[16:20])
    message, tail = body[20 : 20 + length], body[20 + length :]
    if len(message) != length:
        raise EnvelopeError("message length is beyond the end")
    if not hmac.compare_digest(tail, appid.encode()):
        raise EnvelopeError("appid differs")
    return message


def _cipher(aes_key: str) -> Cipher[modes.CBC]:
    key = base64.b64decode(aes_key + "=")
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))
