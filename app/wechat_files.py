"""Files on their way from and to the platform: their names, and where a video may be fetched from."""

from __future__ import annotations

import ipaddress
import re
from email.message import Message
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from app.wechat_http import Answer

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


def may_fetch(url: str, base_url: str) -> bool:
    """The platform's own host, or any name or public address; never one inside our network."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not host:
        return False
    if host == urlsplit(base_url).hostname:
        return True
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".localhost", ".internal"))
