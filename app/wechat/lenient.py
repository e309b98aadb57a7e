"""What customers can paste and XML cannot carry: forbidden characters, and ``]]>`` inside a CDATA.

The platform quotes what people type without a look at it. Nothing here decides what a push means; the
mended text goes through the same strict reading, with the same bounds, as any other.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

# What XML 1.0 forbids (production 2), surrogates included: JSON can escape half a pair.
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# A CDATA section as a whole, because references in it are text; or one numeric reference.
_REFERENCE: Final = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,10}));", re.DOTALL
)
_WIDE_BOMS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# Elements whose text comes from people: typed, pasted, or read out of somebody's QR code.
TYPED: Final = frozenset(
    {
        "Content",
        "Title",
        "Description",
        "Url",
        "Label",
        "Poiname",
        "Recognition",
        "ScanResult",
        "SessionFrom",
        "EventKey",
        "PagePath",
    }
)
_OPEN: Final = re.compile(rf"<({'|'.join(sorted(TYPED))})><!\[CDATA\[")
_SPLIT: Final = "]]]]><![CDATA[>"
_UNSPLIT: Final = re.compile(r"\]\]>(?!<!\[CDATA\[)")
# A section's end with neither markup nor another section behind it: text that somebody did not split.
_STRAY: Final = re.compile(r"\]\]>(?!</|<!\[CDATA\[|\s+<[/A-Za-z_])")


def decoded(body: bytes) -> tuple[str, int]:
    """Return the text of ``body`` without what XML forbids, and how much was dropped.

    Bytes that are no UTF-8 (the platform cuts long values between bytes) count one each.
    Raises ValueError for UTF-16, which is another document and no slip.
    """
    if body.startswith(_WIDE_BOMS):
        raise ValueError("UTF-16")
    text = body.decode(errors="ignore")
    lost = len(body) - len(text.encode())
    text, dropped = permitted(text)
    return text, lost + dropped


def permitted(text: str) -> tuple[str, int]:
    """Return ``text`` without the characters that XML forbids, and their number."""
    return _FORBIDDEN.subn("", text) if _FORBIDDEN.search(text) else (text, 0)


def without_references(text: str) -> tuple[str, int]:
    """Return the document without numeric references to forbidden characters, and their number."""
    dropped = 0

    def keep(found: re.Match[str]) -> str:
        nonlocal dropped
        if found[1] is None and found[2] is None:
            return found[0]
        code = int(found[1], 16) if found[1] else int(found[2])
        if code > 0x10FFFF or _FORBIDDEN.match(chr(code)):
            dropped += 1
            return ""
        return found[0]

    return (_REFERENCE.sub(keep, text), dropped) if "&#" in text else (text, 0)


def is_stray(text: str) -> bool:
    """Return whether a CDATA section of the document ends where nobody would end one."""
    return _STRAY.search(text) is not None


def as_written(text: str) -> str:
    """Return the document with the CDATA of each typed element split as XML wants it.

    What was typed ends at the last end of its element, because whatever looks like one before it was
    typed as well: no text can add a field to its push. Sections that follow each other at once were
    split by the sender already and stay.
    """
    if not _OPEN.search(text):
        return text
    ends = {name: text.rfind(f"]]></{name}>") for name in TYPED}
    parts, done, at = [], 0, 0
    while found := _OPEN.search(text, at):
        begin, end = found.end(), ends[found[1]]
        at = max(begin, end)
        if end >= begin:
            typed = text[begin:end]
            parts += [text[done:begin], _split(typed)]
            done = end
    return "".join([*parts, text[done:]])


def _split(typed: str) -> str:
    return typed.replace("]]>", _SPLIT) if _UNSPLIT.search(typed) else typed
