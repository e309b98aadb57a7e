"""Judging what the server answered to a push, as the platform would (wechat-platform 2.3, 3)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from simulator import crypto
from simulator.config import SimAccount

MEDIA_REPLIES = {"image": "Image", "voice": "Voice", "video": "Video"}
ONE_ARTICLE_TRIGGERS = {"text", "image", "voice", "video", "news", "location"}
ARTICLES_MAX = 8
TEXT_MAX_BYTES = 2048


class BadReply(Exception):
    """Why the platform treats an answer as a failure."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The push that is being answered."""

    settings: SimAccount
    openid: str
    msg_type: str
    nonce: str


def read_reply(answer: bytes, asked: Asked) -> dict[str, Any] | None:
    """The reply the customer sees, None for success or an empty body; BadReply otherwise."""
    text = answer.strip()
    if text in (b"", b"success"):
        return None
    if asked.settings.kind == "miniprogram":
        return _mini_program(text, asked)
    root = _parse(text)
    if root.find("Encrypt") is not None:
        root = _parse(_open(root, asked))
    elif asked.settings.mode == "safe":
        raise BadReply("a plain reply in safe mode")
    return _reply(root, asked)


def _mini_program(text: bytes, asked: Asked) -> dict[str, Any] | None:
    if text.startswith(b"{"):
        try:
            envelope = json.loads(text)
        except ValueError as error:
            raise BadReply("not JSON") from error
        sealed = {k: str(v) for k, v in envelope.items()} if isinstance(envelope, dict) else {}
        inner = _unseal(sealed, asked).strip()
        if inner in (b"", b"success"):
            return None
        text = inner
    root = _parse(text)
    if root.find("Encrypt") is not None:
        root = _parse(_open(root, asked))
    if root.findtext("MsgType") != "transfer_customer_service":
        raise BadReply("a mini program takes no passive reply")
    return _reply(root, asked)


def _parse(text: bytes) -> ElementTree.Element:
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise BadReply("a document type declaration")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise BadReply("not XML") from error
    if root.tag != "xml":
        raise BadReply("the root element is not xml")
    return root


def _open(root: ElementTree.Element, asked: Asked) -> bytes:
    if asked.settings.mode == "plain":
        raise BadReply("an encrypted reply in plain mode")
    return _unseal({child.tag: child.text or "" for child in root}, asked)


def _unseal(envelope: dict[str, str], asked: Asked) -> bytes:
    sealed, stamp = envelope.get("Encrypt", ""), envelope.get("TimeStamp", "")
    if not re.fullmatch(r"[0-9]{1,12}", stamp):
        raise BadReply("TimeStamp is not an integer")
    expected = crypto.sign(asked.settings.token, stamp, envelope.get("Nonce", ""), sealed)
    if not crypto.same(expected, envelope.get("MsgSignature", "")):
        raise BadReply("MsgSignature does not fit")
    try:
        return crypto.decrypt(asked.settings.encoding_aes_key, asked.settings.appid, sealed)
    except crypto.EnvelopeError as error:
        raise BadReply(f"Encrypt: {error}") from error


def _reply(root: ElementTree.Element, asked: Asked) -> dict[str, Any]:
    if root.findtext("ToUserName") != asked.openid:
        raise BadReply("ToUserName is not the customer")
    if root.findtext("FromUserName") != asked.settings.original_id:
        raise BadReply("FromUserName is not the account")
    if not re.fullmatch(r"\s*[0-9]{1,12}\s*", root.findtext("CreateTime") or ""):
        raise BadReply("CreateTime is not an integer")
    kind = root.findtext("MsgType") or ""
    if kind == "text":
        return _text(root)
    if kind in MEDIA_REPLIES:
        return _media(root, kind)
    if kind == "music":
        return _music(root)
    if kind == "news":
        return _news(root, asked.msg_type)
    if kind == "transfer_customer_service":
        return {"type": kind, "kf_account": root.findtext("TransInfo/KfAccount") or ""}
    raise BadReply("unknown MsgType")


def _text(root: ElementTree.Element) -> dict[str, Any]:
    content = root.findtext("Content") or ""
    if not content.strip():
        raise BadReply("empty Content")
    if len(content.encode()) > TEXT_MAX_BYTES:
        raise BadReply("Content is longer than 2048 bytes")
    return {"type": "text", "text": content}


def _media(root: ElementTree.Element, kind: str) -> dict[str, Any]:
    outer = MEDIA_REPLIES[kind]
    media_id = root.findtext(f"{outer}/MediaId") or ""
    if not media_id:
        raise BadReply("no MediaId")
    return {"type": kind, "media_id": media_id, "text": root.findtext(f"{outer}/Title") or ""}


def _music(root: ElementTree.Element) -> dict[str, Any]:
    if not root.findtext("Music/ThumbMediaId"):
        raise BadReply("music without ThumbMediaId")
    return {
        "type": "music",
        "text": root.findtext("Music/Title") or "",
        "url": root.findtext("Music/MusicUrl") or "",
    }


def _news(root: ElementTree.Element, trigger: str) -> dict[str, Any]:
    items = root.findall("Articles/item")
    if not items or not (root.findtext("ArticleCount") or "").strip().isdigit():
        raise BadReply("news without articles")
    most = 1 if trigger in ONE_ARTICLE_TRIGGERS else ARTICLES_MAX
    articles = [
        {
            "title": item.findtext("Title") or "",
            "description": item.findtext("Description") or "",
            "url": item.findtext("Url") or "",
            "picurl": item.findtext("PicUrl") or "",
        }
        for item in items[:most]
    ]
    return {"type": "news", "text": articles[0]["title"], "articles": articles}
