"""Files on their way from and to the platform, and their names."""

from __future__ import annotations

import re
from email.message import Message
from typing import Final, NamedTuple

from app.wechat.http import Answer

FILENAME_CHARS: Final = 100
_FILENAME_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


class Media(NamedTuple):
    """A downloaded file; ``filename`` is "" where the platform named none."""

    content: bytes
    content_type: str
    filename: str


def media_of(answer: Answer) -> Media:
    """The file in the answer, under a name that is safe to show."""
    header = Message()
    header["Content-Disposition"] = answer.disposition.replace("\r", "").replace("\n", "")
    name = header.get_filename("")
    return Media(
        answer.body, answer.content_type, _FILENAME_UNSAFE.sub("_", name)[-FILENAME_CHARS:]
    )


def safe_filename(name: str, mime: str) -> str:
    """A short ASCII name with an extension: the platform judges the type by it."""
    name = _FILENAME_UNSAFE.sub("_", name)[-FILENAME_CHARS:].lstrip("._")
    if "." in name:
        return name
    extension = mime.partition("/")[2].replace("jpeg", "jpg").replace("mpeg", "mp3")
    return f"{name or 'upload'}.{_FILENAME_UNSAFE.sub('', extension) or 'bin'}"
