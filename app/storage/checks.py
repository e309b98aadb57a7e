"""Checks that repositories share. Each returns the value to store, or raises ``Invalid``."""

from __future__ import annotations

import json
import unicodedata
from typing import Any, Final

from app.storage.errors import Invalid

TITLE_MAX_CHARS: Final = 64
TEXT_MAX_CHARS: Final = 4000
JSON_MAX_BYTES: Final = 16_384
BIDI_OVERRIDES: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def line(field: str, value: str, maximum: int = TITLE_MAX_CHARS, *, empty: bool = False) -> str:
    """Return one line of text without control characters."""
    value = value.strip()
    if not value and not empty:
        raise Invalid(field, "must not be empty")
    if not all(map(_harmless, value)):
        raise Invalid(field, "must be one line without control characters")
    return _bounded(field, value, maximum)


def text(field: str, value: str, maximum: int = TEXT_MAX_CHARS, *, empty: bool = False) -> str:
    """Return a text of several lines, without the control characters that people paste."""
    pasted = value.replace("\r\n", "\n")
    value = "".join(filter(_pasteable, pasted)).strip()
    if not value and not empty:
        raise Invalid(field, "must not be empty")
    if not BIDI_OVERRIDES.isdisjoint(value):
        raise Invalid(field, "must hold no marks that turn the direction of text")
    return _bounded(field, value, maximum)


def mapping(field: str, value: dict[str, Any], maximum: int = JSON_MAX_BYTES) -> dict[str, Any]:
    """Return a JSON object of bounded size."""
    try:
        size = len(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        raise Invalid(field, "must be plain JSON") from None
    if size > maximum:
        raise Invalid(field, f"must be at most {maximum} bytes of JSON")
    return value


def _pasteable(char: str) -> bool:
    return char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs")


def _harmless(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Cs") and char not in BIDI_OVERRIDES


def _bounded(field: str, value: str, maximum: int) -> str:
    if len(value) > maximum:
        raise Invalid(field, f"must be at most {maximum} characters")
    return value
