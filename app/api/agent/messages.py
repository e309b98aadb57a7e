"""Replies to customers: accepted once per ``client_id``, sent in order."""

from __future__ import annotations

import secrets
from typing import Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from app.api.agent.message_types import Article, Caption, Link, Menu, MiniProgramPage, cleaned
from app.api.agent.readers import open_or_refused
from app.api.core import NUMBER_MAX, Body, Call, Routes
from app.api.shapes import MessageShape
from app.conversations import replies
from app.refusals import Refusal
from app.wechat.channel import CHANNELS
from config.accounts import AccountKind
from sessions.messages import Outgoing

TEXT_MAX_CHARS: Final = 8_000
FILES: Final = {"image": "image", "voice": "voice", "video": "video", "miniprogrampage": "image"}
"""The kind of file that a message of a type carries."""

routes = Routes()

PARTS: Final = ("media_id", "article", "menu", "page", "link", "caption")
_FILE: Final = frozenset({"media_id"})
_NONE: Final = frozenset[str]()
NEEDED: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "text": (_NONE, _NONE),
    "image": (_FILE, _NONE),
    "voice": (_FILE, _NONE),
    "video": (_FILE, frozenset({"caption"})),
    "news": (frozenset({"article"}), _NONE),
    "msgmenu": (frozenset({"menu"}), _NONE),
    "miniprogrampage": (frozenset({"page", "media_id"}), _NONE),
    "link": (frozenset({"link"}), _NONE),
}
"""The parts that a message of a type must have, and those that it may have."""


class SendBody(Body):
    """A reply. POST /media returns ``media_id``; a repeat with the same ``client_id`` sends nothing twice.

    Each type has its content: ``text``; ``media_id`` (image, voice, video with an optional ``caption``,
    miniprogrampage with its picture); ``article`` for news, ``menu`` for msgmenu, ``page`` for a
    miniprogrampage, ``link`` for a link. Official accounts and mini programs may send different types
    (``sends`` of /me).
    """

    client_id: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")
    type: Literal[
        "text", "image", "voice", "video", "news", "msgmenu", "miniprogrampage", "link"
    ] = "text"
    text: str = Field("", max_length=TEXT_MAX_CHARS)
    media_id: str | None = Field(None, min_length=1, max_length=64)
    article: Article | None = None
    menu: Menu | None = None
    page: MiniProgramPage | None = None
    link: Link | None = None
    caption: Caption | None = None
    owner_epoch: int | None = Field(None, ge=0, le=NUMBER_MAX)

    @field_validator("text", mode="before")
    @classmethod
    def _plain(cls, text: Any) -> Any:
        return cleaned(text)

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        if self.type != "text" and self.text:
            raise ValueError("only a text has text")
        given = {name for name in PARTS if getattr(self, name) is not None}
        wanted, may = NEEDED[self.type]
        if not wanted <= given <= wanted | may:
            raise ValueError(f"a {self.type} has {' and '.join(sorted(wanted)) or 'text'} only")
        return self

    def content(self) -> tuple[str, dict[str, Any]]:
        """Return the text for searches, and the content beyond it."""
        made = self.article or self.menu or self.page or self.link
        if made is not None:
            return made.content()
        return self.text, self.caption.model_dump() if self.caption else {}


@routes.add(
    "POST",
    "/sessions/<sid>/messages",
    "sessions.reply",
    summary="Reply to the customer",
    body=SendBody,
    answer=MessageShape,
    status=202,
    refuses=(409,),
)
def send(call: Call, sid: str) -> dict[str, Any]:
    body, me = call.body, call.kf_account
    _sendable(call.account.config.kind, body)
    with open_or_refused(call, sid):
        text, content = body.content()
        if body.media_id:
            content |= _attached(call, sid, body.media_id, FILES[body.type])
        outgoing = Outgoing(body.client_id, body.type, text, content)
        who, epoch = call.caller.who, body.owner_epoch
        accepted = replies.reply(call.account, sid, me, who, outgoing, epoch, call.request_id)
        return _stored(call, sid, accepted.seq)


@routes.add(
    "POST",
    "/sessions/<sid>/messages/<mid>/resend",
    "sessions.resend",
    summary="Send a failed or unknown message again",
    answer=MessageShape,
    status=202,
    refuses=(409,),
)
def resend(call: Call, sid: str, mid: str) -> dict[str, Any]:
    me = call.kf_account
    session_id, _, seq = mid.rpartition(".")
    if session_id != sid or not seq.isdecimal() or len(seq) > 15:
        raise Refusal("not_found", "There is no such message.")
    with open_or_refused(call, sid):
        replies.resend(call.account, mid, me, secrets.token_hex(8))
        return _stored(call, sid, int(seq))


def _sendable(kind: AccountKind, body: SendBody) -> None:
    """Refuse what WeChat would refuse. Raises Refusal."""
    if body.type not in CHANNELS[kind].sendable:
        words = f"WeChat accepts no message of the type {body.type} from this kind of account."
        raise Refusal("type_not_for_account", words)
    if body.page and kind is AccountKind.OFFICIAL and not body.page.appid:
        raise Refusal("invalid", "An official account must name the mini program by its appid.")


def _attached(call: Call, sid: str, media_id: str, kind: str) -> dict[str, Any]:
    """Attach the upload to the conversation. Returns its fields. Raises Refusal, Missing, Invalid."""
    session = replies.not_of_another(call.account, sid, call.kf_account)
    item = call.served.files.attach(media_id, kind, call.caller.who, sid, session.openid)
    return {"media_id": item.id, "mime": item.mime, "size": item.size, "filename": item.filename}


def _stored(call: Call, sid: str, seq: int) -> dict[str, Any]:
    """Return the message from Redis, or from SQL if it was archived since. Raises Refusal not_found."""
    account = call.account
    message = account.queries.message(sid, seq)
    if message is not None:
        return message
    for stored in account.records.messages(account.appid, sid, seq - 1, 1):
        return stored
    raise Refusal("not_found", "There is no such message.")
