"""The text of a script as Redis gets it: its file behind those shared functions that it uses.

Redis runs the whole text at each call, so a function that is made for nothing costs time and memory there,
more in a large store (docs/performance.md). Key names become their formats for the same reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from sessions.model import BudgetRule
from sessions.store.keys import FORMATS

SHARED: Final = (
    "lib",
    "budget",
    "inbound",
    "following",
    "room",
    "pace",
    "card",
    "heads",
    "outbox",
)
"""Files of shared functions, each after those whose functions it uses. An empty line ends a piece."""

_COMMENT: Final = re.compile(r"^ *--.*\n", re.MULTILINE)
_DEFINED: Final = re.compile(r"^local (?:function )?(\w+)", re.MULTILINE)
_WORD: Final = re.compile(r"\w+")
_RULE: Final = "'BUDGET_RULE'"
_KEY: Final = re.compile(r"\bk\('(\w+)'")


@dataclass(frozen=True, slots=True)
class Piece:
    """Definitions that stand together, and every word in them."""

    text: str
    defines: frozenset[str]
    words: frozenset[str]


def source(name: str, rule: BudgetRule = BudgetRule.MAX) -> str:
    """Return the whole text of a script, with the budget rule in it.

    Raises KeyError for a key that sessions/store/keys.py does not know.
    """
    text = _read(name)
    words = set(_WORD.findall(text))
    used = list[str]()
    for piece in reversed(_pieces()):
        if piece.defines & words:
            used.append(piece.text)
            words |= piece.words
    whole = "\n".join([*reversed(used), text]).replace(_RULE, f"'{rule.value}'")
    return _KEY.sub(lambda key: f"k('{FORMATS[key[1]]}'", whole)


@cache
def _pieces() -> tuple[Piece, ...]:
    return tuple(_cut())


def _cut() -> Iterator[Piece]:
    for file in SHARED:
        for text in _read(file).split("\n\n"):
            defines = frozenset(_DEFINED.findall(text))
            yield Piece(text, defines, frozenset(_WORD.findall(text)))


def _read(file: str) -> str:
    text = (resources.files("sessions.store") / "lua" / f"{file}.lua").read_text("utf-8")
    return _COMMENT.sub("", text)
