"""What differs between an official account and a mini program, as one value for each kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from config.accounts import AccountKind

PAGE_FIELDS: Final = ("title", "appid", "pagepath")


@dataclass(frozen=True, slots=True)
class Channel:
    """What the platform allows an account of one kind (wechat-platform 5.1, 14.3).

    ``passive``: the answer to a push may carry a text for the customer. ``names_agents``: customers see
    which kf account writes. ``tags``: customers have tags at the platform. ``sendable`` are the message
    types that ``custom/send`` takes (any other is 40008), ``page_fields`` those of a mini program's card.
    """

    passive: bool
    names_agents: bool
    tags: bool
    typing_path: str
    sendable: frozenset[str]
    page_fields: tuple[str, ...]


CHANNELS: Final[Mapping[AccountKind, Channel]] = {
    AccountKind.OFFICIAL: Channel(
        passive=True,
        names_agents=True,
        tags=True,
        typing_path="/cgi-bin/message/custom/typing",
        sendable=frozenset(
            {"text", "image", "voice", "video", "news", "msgmenu", "miniprogrampage"}
        ),
        page_fields=PAGE_FIELDS,
    ),
    AccountKind.MINIPROGRAM: Channel(
        passive=False,
        names_agents=False,
        tags=False,
        typing_path="/cgi-bin/message/custom/business/typing",
        sendable=frozenset({"text", "image", "link", "miniprogrampage"}),
        page_fields=("title", "pagepath"),
    ),
}
