"""From the platform's request to a proven, parsed :class:`Inbound`, and the passive reply back.

Raises only BadPush (HTTP 400: not a push), Refused (HTTP 403: not proven) and UnknownShape (proven, but
of a shape that nobody knows: HTTP 200). Nothing of the body is parsed before the signature over it holds.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from wechatpy.replies import TextReply

from app.wechat.crypto import CallbackAccount, Refused, keys_of, split_cdata
from app.wechat.fields import (
    ACCOUNT,
    ARTICLE,
    EVENTS,
    MESSAGES,
    PERSON,
    TEXT_CHARS,
    URL_CHARS,
    clean,
    collect,
    identifier,
    leaf,
)
from app.wechat.xml import MAX_BODY_BYTES, BadPush, Tree, UnknownShape, read_body
from sessions.model import Inbound

__all__ = [
    "SUCCESS",
    "BadPush",
    "Refused",
    "UnknownShape",
    "passive_reply",
    "read_push",
    "verify_url",
]

SUCCESS = "success"
FRESH_S = 300
DEDUP_KEY_CHARS = 200
REPLY_BYTES = 2048  # the platform's limit of a text's content
COMMON = ("ToUserName", "FromUserName", "CreateTime", "MsgType")  # in every push
UNSUPPORTED_TEXT = "[unsupported]"

_OPENID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ORIGINAL_ID = re.compile(r"[A-Za-z0-9_@.-]{1,64}")
_MSG_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SECONDS = re.compile(r"\d{1,11}", re.ASCII)
_HEX_SHA1 = re.compile(r"[0-9a-f]{40}")
_NONCE = re.compile(r"[\x21-\x7e]{1,128}")
_ECHO = re.compile(r"[\x20-\x7e]{1,1024}")
_TYPE = re.compile(r"[A-Za-z0-9_]{1,64}")
# The cipher text is needed for its signature, so before anything may be parsed. Possessive
# quantifiers keep this linear on hostile input.
_XML_CIPHER = re.compile(
    rb"<Encrypt>\s*+(?:<!\[CDATA\[)?+([A-Za-z0-9+/=]++)(?:\]\]>)?+\s*+</Encrypt>"
)
# What the platform sends in safe mode, whole: such a body needs no second look after its proof.
_PLAIN_ENVELOPE = re.compile(
    rb"\s*+<xml>\s*+<ToUserName><!\[CDATA\[[A-Za-z0-9_@.-]*+\]\]></ToUserName>\s*+"
    rb"<Encrypt><!\[CDATA\[[A-Za-z0-9+/=]++\]\]></Encrypt>\s*+</xml>\s*+"
)
_JSON_CIPHER = re.compile(rb'"Encrypt"\s*+:\s*+("[A-Za-z0-9+/=\\]++")')


def verify_url(account: CallbackAccount, query: Mapping[str, str], now_s: int) -> str:
    """The ``echostr`` to send back verbatim, as text/plain, to the console's GET; or Refused."""
    keys = keys_of(account)
    keys.check(_shape(query, "signature", _HEX_SHA1), *_fresh(query, now_s))
    return _shape(query, "echostr", _ECHO)


def read_push(
    account: CallbackAccount, query: Mapping[str, str], body: bytes, now_s: int
) -> Inbound:
    """Prove and parse one POST of the platform.

    ``query`` is the URL's, ``body`` at most 64 kB, ``now_s`` unix seconds. The push of an event about
    the account has no customer: its ``openid`` is "". Raises BadPush, Refused, UnknownShape.
    """
    if not body or len(body) > MAX_BODY_BYTES:
        raise BadPush("empty or too large")
    keys = keys_of(account)
    stamp, nonce = _fresh(query, now_s)
    if keys.mode == "plain":
        keys.check(_shape(query, "signature", _HEX_SHA1), stamp, nonce)
        return _inbound(keys.appid, _unproven(body, COMMON))
    if query.get("encrypt_type") != "aes":
        raise Refused("not encrypted")
    claimed = _shape(query, "msg_signature", _HEX_SHA1)
    encrypted = _cipher_text(body)
    keys.check(claimed, stamp, nonce, encrypted)
    if not _PLAIN_ENVELOPE.fullmatch(body):
        _check_envelope(body, encrypted)
    return _inbound(keys.appid, read_body(keys.decrypt(encrypted)))


def passive_reply(
    account: CallbackAccount, inbound: Inbound, text: str, now_s: int, nonce: str
) -> tuple[str, str]:
    """The HTTP answer carrying ``text`` to the customer: (body, mimetype).

    Encrypted in safe and compat mode; ``nonce`` is the one of the push's URL. Without text, and for
    mini programs (they take no passive text), it is ``success``.
    """
    keys = keys_of(account)
    content = _cut(clean(text, TEXT_CHARS))
    if not content.strip() or keys.kind == "miniprogram":
        return SUCCESS, "text/plain"
    reply = TextReply(
        source=inbound.to, target=inbound.openid, time=now_s, content=split_cdata(content)
    )
    xml = reply.render()
    return (xml if keys.mode == "plain" else keys.envelope(xml, now_s, nonce)), "application/xml"


def _check_envelope(body: bytes, encrypted: str) -> None:
    """Raise BadPush unless the cipher text is where it belongs in the body."""
    found = _unproven(body, ("Encrypt",))["Encrypt"]
    if not isinstance(found, str) or found.strip() != encrypted:
        raise BadPush("cipher text in an odd place")


def _unproven(body: bytes, needed: tuple[str, ...]) -> Tree:
    """Read a body that no signature covers: whatever is odd in it may be a stranger's. Raises BadPush."""
    try:
        fields = read_body(body)
    except UnknownShape as unknown:
        raise BadPush(str(unknown)) from None
    if not all(fields.get(name) for name in needed):
        raise BadPush("not a push")
    return fields


def _cut(text: str) -> str:
    raw = text.encode("utf-8", "replace")
    return raw[:REPLY_BYTES].decode("utf-8", "ignore")


def _shape(query: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str:
    value = query.get(name, "")
    if not pattern.fullmatch(value):
        raise Refused(f"{name} is missing or malformed")
    return value


def _fresh(query: Mapping[str, str], now_s: int) -> tuple[str, str]:
    stamp = _shape(query, "timestamp", _SECONDS)
    if abs(now_s - int(stamp)) > FRESH_S:
        raise Refused("timestamp is too old or too new")
    return stamp, _shape(query, "nonce", _NONCE)


def _cipher_text(body: bytes) -> str:
    is_json = body.lstrip()[:1] == b"{"
    found = (_JSON_CIPHER if is_json else _XML_CIPHER).findall(body)
    if len(found) != 1:
        raise BadPush("not exactly one cipher text")
    return _unescaped(found[0]) if is_json else found[0].decode()


def _unescaped(quoted: bytes) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError:
        raise BadPush("not readable JSON") from None


def _inbound(appid: str, fields: Tree) -> Inbound:
    wire_type = _matching(fields, "MsgType", _TYPE)
    created = _matching(fields, "CreateTime", _SECONDS)
    common: dict[str, Any] = {"appid": appid, "created_s": int(created)}
    if wire_type.lower() == "event":
        return _event(fields, common)
    openid, to = _parties(fields)
    return _message(fields, common | {"openid": openid, "to": to}, wire_type)


def _message(fields: Tree, common: dict[str, Any], wire_type: str) -> Inbound:
    kind = wire_type.lower()
    if kind in MESSAGES:
        media = collect(fields, MESSAGES[kind])
        text = clean(leaf(fields.get("Content")), TEXT_CHARS) if kind == "text" else ""
    else:
        kind, media, text = "unsupported", {"original_type": wire_type}, UNSUPPORTED_TEXT
    if "MsgDataId" in fields:
        media |= collect(fields, ARTICLE)
    msg_id = _matching(fields, "MsgId", _MSG_ID) if fields.get("MsgId") else ""
    return Inbound(
        **common,
        kind="message",
        type=kind,
        event="",
        event_key="",
        msg_id=msg_id,
        text=text,
        media=media,
        menu_id=identifier(fields.get("bizmsgmenuid")),
        dedup_key=_message_key(fields, common, wire_type, msg_id),
    )


def _event(fields: Tree, common: dict[str, Any]) -> Inbound:
    event = _matching(fields, "Event", _TYPE)
    openid, to = _event_parties(fields, event)
    event_key = clean(leaf(fields.get("EventKey")).strip(), URL_CHARS)
    stamp = str(common["created_s"])
    return Inbound(
        **common,
        openid=openid,
        to=to,
        kind="event",
        type="event",
        event=event,
        event_key=event_key,
        msg_id="",
        text="",
        media=collect(fields, EVENTS.get(event, ())),
        menu_id="",
        # Two cards taken within a second differ in nothing but their other fields.
        dedup_key=_key("e", openid, stamp, event, _digest(fields)),
    )


def _event_parties(fields: Tree, event: str) -> tuple[str, str]:
    """The customer an event is about, "" where it is about the account, and our original id."""
    if event in ACCOUNT:
        return "", _matching(fields, "ToUserName", _ORIGINAL_ID)
    if event in PERSON:
        openid = _matching(fields, PERSON[event], _OPENID)
        return openid, _matching(fields, "ToUserName", _ORIGINAL_ID)
    return _parties(fields)


def _message_key(fields: Tree, common: dict[str, Any], wire_type: str, msg_id: str) -> str:
    if msg_id:
        return _key("m", common["openid"], msg_id)
    # No documented message lacks its MsgId; one that does is told apart by all that it says.
    return _key("e", common["openid"], str(common["created_s"]), wire_type, _digest(fields))


def _digest(fields: Tree) -> str:
    """All that a push says: a redelivery says the same, whatever its signature and encryption."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _key(*parts: str) -> str:
    key = ":".join(parts)
    if len(key) <= DEDUP_KEY_CHARS:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{key[: DEDUP_KEY_CHARS - len(digest) - 1]}:{digest}"


def _parties(fields: Tree) -> tuple[str, str]:
    sender = _matching(fields, "FromUserName", _ORIGINAL_ID)
    to = _matching(fields, "ToUserName", _ORIGINAL_ID)
    if sender.startswith("gh_") and not to.startswith("gh_"):
        # Sources disagree which side kf_* events name first; the shapes do not.
        sender, to = to, sender
    if not _OPENID.fullmatch(sender):
        raise UnknownShape("FromUserName is not an openid")
    return sender, to


def _matching(fields: Tree, name: str, pattern: re.Pattern[str]) -> str:
    value = fields.get(name)
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    stripped = leaf(value).strip()
    if not pattern.fullmatch(stripped):
        raise UnknownShape(f"{name} is missing or malformed")
    return stripped
