"""Text files that people hand in: UTF-8, with or without a byte order mark."""

from __future__ import annotations

import codecs
from pathlib import Path


class BadTextFile(ValueError):
    """The file cannot be read. The message is one line that names it, without its content."""


def read_text(path: Path) -> str:
    """Return the text without a byte order mark. Raises BadTextFile."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadTextFile(f"{path} cannot be read: {error.strerror}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise BadTextFile(f"{path} is {_encoding(data)}, not UTF-8; save it as UTF-8")
    return text


def _encoding(data: bytes) -> str:
    """What the bytes look like, for the person who saved them."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data:
        return "UTF-16"
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return "in an unknown encoding"
    return "probably GBK"
