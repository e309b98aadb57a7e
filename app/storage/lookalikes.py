"""Names that look alike have the same skeleton: Unicode Technical Standard 39, section 4.

``lookalikes.txt`` is its table of confusable characters as confusable_homoglyphs 3.3.1 (MIT) ships it,
reduced to what can stand in a username: a line is what characters look like, a blank, and those characters.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib import resources


def skeleton(username: str) -> str:
    """Return what a username looks like; it is for comparing only, never shown or stored.

    Usernames are lower case, so case is folded again after ``0`` became ``O``.
    """
    plain = unicodedata.normalize("NFD", username)
    seen = plain.translate(_table())
    return unicodedata.normalize("NFD", seen).casefold()


@cache
def _table() -> dict[int, str]:
    text = (resources.files("app.storage") / "lookalikes.txt").read_text(encoding="utf-8")
    lines = (line.partition(" ") for line in text.splitlines())
    return {ord(char): target for target, _, chars in lines for char in chars}
