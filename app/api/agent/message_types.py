"""Message types beyond texts and files, as ``custom/send`` has them (wechat-platform 5.1, 5.4)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from app.api.core import Body

CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
URL_CHARS: Final = 1024
MENU_ITEMS: Final = 10


def cleaned(value: Any) -> Any:
    """Return a pasted text without the invisible characters that XML forbids.

    It runs before validation, so a value that is no text is returned as it is.
    """
    return CONTROL.sub("", value) if isinstance(value, str) else value


def _web_address(text: str) -> str:
    if text and not re.fullmatch(r"https?://[^\s/]+\S*", text, re.IGNORECASE):
        raise ValueError("must begin with http:// or https://")
    return text


Pasted = Annotated[str, BeforeValidator(cleaned)]
"""Text of several lines that an agent may paste."""

ShortText = Annotated[
    str,
    BeforeValidator(cleaned),
    StringConstraints(strip_whitespace=True, max_length=512),
]
Title = Annotated[
    str,
    BeforeValidator(cleaned),
    StringConstraints(strip_whitespace=True, min_length=1, max_length=64),
]
Address = Annotated[
    str,
    BeforeValidator(cleaned),
    StringConstraints(strip_whitespace=True, max_length=URL_CHARS),
    AfterValidator(_web_address),
]


class Article(Body):
    """A news article. WeChat accepts exactly one (45008)."""

    title: Title
    description: ShortText = ""
    url: Address = Field(min_length=1)
    picurl: Address = ""

    def content(self) -> tuple[str, dict[str, Any]]:
        return self.title, self.model_dump()


class Menu(Body):
    """Lines that the customer taps. A tap arrives as the customer's message."""

    head: ShortText = Field(min_length=1)
    items: list[Title] = Field(min_length=1, max_length=MENU_ITEMS)
    tail: ShortText = ""

    def content(self) -> tuple[str, dict[str, Any]]:
        rows = [{"id": str(at), "content": item} for at, item in enumerate(self.items, 1)]
        return self.head, {"head": self.head, "list": rows, "tail": self.tail}


class Link(Body):
    """A link card, which only mini programs may send. Its picture is a web address."""

    title: Title
    description: ShortText = ""
    url: Address = Field(min_length=1)
    thumb_url: Address = ""

    def content(self) -> tuple[str, dict[str, Any]]:
        return self.title, self.model_dump()


class MiniProgramPage(Body):
    """A page of a mini program. Its picture is the message's ``media_id``.

    An official account names the linked mini program by ``appid``; a mini program sends its own pages.
    """

    title: Title
    appid: str = Field("", pattern=r"^(wx[0-9a-zA-Z]{16})?$")
    pagepath: ShortText = Field(min_length=1)

    def content(self) -> tuple[str, dict[str, Any]]:
        return self.title, self.model_dump()


class Caption(Body):
    """Title and description of a video."""

    title: ShortText = ""
    description: ShortText = ""
