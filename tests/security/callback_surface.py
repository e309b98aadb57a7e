"""Every way into the callback's parsers for one piece of bytes: used by the fuzzer and by ordinary tests.

Whatever comes in, only refusals may be raised, and what is accepted must be fit to be stored and shown.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from app.wechat import lenient as wechat_lenient
from app.wechat.fields import ACCOUNT, EVENTS, MESSAGES
from app.wechat.inbound import BadPush, Refused, passive_reply, read_push, verify_url
from app.wechat.inbound import _cipher_text as cipher_text_of
from app.wechat.xml import read_json, read_xml
from sessions.entry import entry_of
from sessions.messages import inbound_body
from sessions.model import Inbound
from tests.wechat.pushes import (
    NONCE,
    NOW_S,
    OPENID,
    account,
    plain_query,
    seal,
    seal_raw,
    sealed_push,
    sealed_query,
    text_push,
    xml,
)

REFUSALS: Final = (BadPush, Refused)
PLAIN, SAFE, MINI = account("plain"), account("safe"), account("safe", kind="miniprogram")
BLOCK: Final = 32
TRUE: Final = read_push(SAFE, *sealed_push(seal(text_push())), NOW_S)
KINDS: Final = sorted(MESSAGES) + sorted(EVENTS)
ELEMENTS: Final = sorted(
    {element for rows in (*MESSAGES.values(), *EVENTS.values()) for _, element, _ in rows}
    | {"Content", "MsgId", "EventKey", "MsgDataId", "bizmsgmenuid", "FromUserName", "CreateTime"}
)
TYPED: Final = sorted(wechat_lenient.TYPED)
INSIDE: Final = ("ScanType", "ScanResult", "Count", "PicList", "item", "PicMd5Sum", "Label", "List")


def fits(push: Inbound) -> None:
    """An accepted push can be stored, told to desks and looked up again."""
    assert (
        (push.openid or push.event in ACCOUNT) and push.openid.isascii() and len(push.openid) <= 64
    )
    assert len(push.dedup_key.encode()) <= 4 * 200 and len(push.text) <= 4096
    stored = json.loads("{" + inbound_body(push))
    assert stored["type"] == push.type
    inbound_body(push).encode()
    entry_of(push, frozenset({"K"}), 5)


def _xml(data: bytes) -> None:
    read_xml(data)


def _json(data: bytes) -> None:
    read_json(data)


def _plain_body(data: bytes) -> None:
    fits(read_push(PLAIN, plain_query(), data, NOW_S))


def _sealed_message(data: bytes) -> None:
    fits(read_push(SAFE, *sealed_push(seal(data)), NOW_S))


def _sealed_layout(data: bytes) -> None:
    """Any bytes where random, length, message, appid and padding should stand."""
    whole = data + b"\1" * (-len(data) % BLOCK or BLOCK)
    cipher = base64.b64encode(seal_raw(whole)).decode()
    fits(read_push(SAFE, *sealed_push(cipher), NOW_S))


def _signed_body(data: bytes) -> None:
    """A body signed for whatever cipher text is found in it, for XML and for JSON accounts."""
    query = sealed_query(cipher_text_of(data))
    for kind in (SAFE, MINI):
        fits(read_push(kind, query, data, NOW_S))


def _query(data: bytes) -> None:
    """Any query beside a good body."""
    text = data.decode("utf-8", "surrogateescape")
    given = dict(part.partition("=")[::2] for part in text.split("&"))
    query, body = sealed_push(seal(text_push()))
    with contextlib.suppress(*REFUSALS):
        verify_url(SAFE, query | given, NOW_S)
    assert read_push(SAFE, query | given, body, NOW_S) == TRUE


def _fields(data: bytes) -> None:
    """Well-formed pushes of every kind with odd contents: pieces of ``data`` in the places of a table."""
    kind, pieces = KINDS[data[0] % len(KINDS)] if data else "text", data[1:].split(b"\0")
    fields: dict[str, str | int] = {"MsgType": kind} if kind in MESSAGES else {"MsgType": "event"}
    fields |= {} if kind in MESSAGES else {"Event": kind}
    for piece in pieces[:12]:
        name = ELEMENTS[piece[0] % len(ELEMENTS)] if piece else "Content"
        fields[name] = _content(piece[1:])
    fits(read_push(PLAIN, plain_query(), xml(**fields), NOW_S))


def _content(piece: bytes) -> str:
    """A text, or with a leading byte below 8 an element inside."""
    text = piece.decode("utf-8", "replace").replace("]]>", "")
    if piece and piece[0] < len(INSIDE):
        name = INSIDE[piece[0]]
        return f"<{name}><![CDATA[{text[1:]}]]></{name}>"
    return f"<![CDATA[{text}]]>" if text.startswith("<") else text


def _pasted(data: bytes) -> None:
    """Any bytes where customers type, quoted without a look; the push stays its sender's."""
    element = TYPED[data[0] % len(TYPED)] if data else "Content"
    whole = xml(MsgType="text", MsgId=7, **{element: "PLACE"}).replace(b"PLACE", data[1:])
    push = read_push(PLAIN, plain_query(), whole, NOW_S)
    fits(push)
    assert (push.openid, push.msg_id, push.type) == (OPENID, "7", "text")


def _reply(data: bytes) -> None:
    """Whatever is said to a customer is well-formed and within the platform's limit."""
    body, kind = passive_reply(PLAIN, TRUE, data.decode("utf-8", "replace"), NOW_S, NONCE)
    if kind == "application/xml":
        tree = read_xml(body.encode())
        assert tree["ToUserName"] == OPENID and len(tree["Content"].encode()) <= 2048


SURFACES: Final[tuple[Callable[[bytes], None], ...]] = (
    _xml,
    _json,
    _plain_body,
    _sealed_message,
    _sealed_layout,
    _signed_body,
    _query,
    _fields,
    _reply,
    _pasted,
)


NAMES: Final = [surface.__name__.strip("_") for surface in SURFACES]
CORPUS: Final = Path(__file__).with_name("corpus.txt")


def corpus() -> Iterator[tuple[str, bytes]]:
    """Inputs worth keeping: the way in, and the bytes as Python writes them, one a line."""
    for line in CORPUS.read_text("ascii").splitlines():
        name, _, literal = line.partition(" ")
        yield name, bytes([NAMES.index(name)]) + ast.literal_eval(literal)


def one_input(data: bytes) -> bool:
    """Whether it is accepted; the first byte chooses the way in. Raises whatever is not a refusal."""
    way, rest = (SURFACES[data[0] % len(SURFACES)], data[1:]) if data else (_xml, data)
    try:
        way(rest)
    except REFUSALS:
        return False
    return True
