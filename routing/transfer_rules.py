"""When a rule moves a conversation: a customer's word, a badly rated agent. Pure.

rating_below = 3.0               0 = off; the mean of at least a few ratings, 1 to 5
[[keywords]]
words = ["投诉", "转人工"]         wherever in the text; match = "whole": the whole trimmed text
group = "premium_support"
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

KEYS: Final = frozenset({"rating_below", "keywords"})
KEYWORD_KEYS: Final = frozenset({"words", "group", "match"})
CONTAINS: Final = "contains"
WHOLE: Final = "whole"
MATCHES: Final = (CONTAINS, WHOLE)
RATING_MAX: Final = 5.0
KEYWORDS_MAX: Final = 50
WORDS_MAX: Final = 100
WORD_CHARS: Final = 64
GROUP_NAME: Final = re.compile(r"[a-z0-9_-]{1,64}")


class BadTransferRules(ValueError):
    """A document that cannot be used; one line for each problem."""


@dataclass(frozen=True, slots=True)
class Keyword:
    """Words (in lower case) that lead to a group."""

    words: tuple[str, ...]
    group: str
    match: str = CONTAINS

    def fits(self, text: str) -> bool:
        if self.match == WHOLE:
            return text in self.words
        return any(word in text for word in self.words)


@dataclass(frozen=True, slots=True)
class TransferRules:
    """The rules of one official account; the first keyword that fits wins."""

    keywords: tuple[Keyword, ...] = ()
    rating_below: float = 0.0

    def group_for(self, text: str) -> str:
        """The group a customer's text asks for, "" for none."""
        folded = text.strip().lower()
        return next((k.group for k in self.keywords if k.fits(folded)), "")

    def as_document(self) -> dict[str, Any]:
        """As ``transfer_rules_from`` reads it."""
        rows = [{"words": list(k.words), "group": k.group, "match": k.match} for k in self.keywords]
        return {"rating_below": self.rating_below, "keywords": rows}

    @property
    def groups(self) -> frozenset[str]:
        """Groups that customers are sent to."""
        return frozenset(k.group for k in self.keywords)


def transfer_rules_from(document: Mapping[str, Any]) -> TransferRules:
    """Raises BadTransferRules naming every problem."""
    lines = list(problems(document))
    if lines:
        raise BadTransferRules("\n".join(lines))
    keywords = tuple(
        Keyword(
            tuple(word.strip().lower() for word in row["words"]),
            row["group"],
            row.get("match", CONTAINS),
        )
        for row in document.get("keywords", ())
    )
    return TransferRules(keywords, float(document.get("rating_below", 0)))


def problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Everything wrong with a document, one line each, beginning with the field."""
    for key in sorted(set(document) - KEYS):
        yield f"{key}: unknown; known: {', '.join(sorted(KEYS))}"
    rating = document.get("rating_below", 0)
    if isinstance(rating, bool) or not isinstance(rating, int | float):
        yield "rating_below: must be a number"
    elif not 0 <= rating <= RATING_MAX:
        yield f"rating_below: must be from 0 (off) to {RATING_MAX:.0f}"
    rows = document.get("keywords", [])
    if not isinstance(rows, list) or len(rows) > KEYWORDS_MAX:
        yield f"keywords: must be a list of at most {KEYWORDS_MAX} tables"
        return
    for number, row in enumerate(rows, 1):
        yield from (f"keywords {number}: {line}" for line in _keyword_problems(row))


def _keyword_problems(row: Any) -> Iterator[str]:
    if not isinstance(row, Mapping):
        yield "must be a table with words and group"
        return
    for key in sorted(set(row) - KEYWORD_KEYS):
        yield f"{key} is unknown; known: {', '.join(sorted(KEYWORD_KEYS))}"
    words = row.get("words")
    if not isinstance(words, list) or not 0 < len(words) <= WORDS_MAX:
        yield f"words must be a list of 1 to {WORDS_MAX} texts"
    elif not all(isinstance(w, str) and 0 < len(w.strip()) <= WORD_CHARS for w in words):
        yield f"each word must have 1 to {WORD_CHARS} characters"
    group = row.get("group")
    if not isinstance(group, str) or not GROUP_NAME.fullmatch(group):
        yield "group must be 1 to 64 of a-z 0-9 _ -"
    if row.get("match", CONTAINS) not in MATCHES:
        yield f"match must be one of {', '.join(MATCHES)}"
