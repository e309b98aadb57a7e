"""The quick reader of a flat push: fields of text or CDATA in a row, as the platform writes nearly all.

It reads a part of what expat reads, and that the same: anything odd (an entity, an attribute, a
declaration, fields inside fields, a field twice, a carriage return) is left to expat, which also refuses.
Tests hold the two together. What it saves is in docs/performance.md.
"""

from __future__ import annotations

import re
from typing import Final

FIELDS_MAX: Final = 100

_BLANK: Final = r"[ \t\n]*+"
_ODD: Final = (
    r"\x00-\x08\x0b-\x1f\ufffe\uffff"  # no XML, or (a carriage return) read as something else
)
_CDATA: Final = rf"<!\[CDATA\[([^\]{_ODD}]*+(?:\](?!\]>)[^\]{_ODD}]*+)*+)\]\]>"
_FIELD: Final = rf"<([A-Za-z_][A-Za-z0-9_]{{0,63}}+)>(?:{_CDATA}|([^<&\]{_ODD}]*+))</"
_ONE: Final = re.compile(rf"{_BLANK}{_FIELD}\1>")
_BEGIN: Final = re.compile(rf"{_BLANK}<xml>")
_END: Final = re.compile(rf"{_BLANK}</xml>{_BLANK}")


def read_flat(body: bytes) -> dict[str, str] | None:
    """The fields of such a body, each as sent; None for any other, whatever is wrong with it."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    begin = _BEGIN.match(text)
    at, fields = begin.end() if begin else len(text), dict[str, str]()
    for _ in range(FIELDS_MAX):
        one = _ONE.match(text, at)
        if one is None:
            break
        name, cdata, plain = one.groups()
        if name in fields:
            return None
        fields[name] = plain if cdata is None else cdata
        at = one.end()
    return fields if fields and _END.fullmatch(text, at) else None
