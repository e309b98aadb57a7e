"""Rules for new passwords: neither short, common, a pattern, nor the person's own name.

NIST SP 800-63B requires a length and a list of common passwords, and advises against rules on kinds of
characters. Passwords in use are not checked again.

``common_passwords.txt``: the 3,000 most frequent ones of at least eight characters in the list of zxcvbn
4.5.0 (MIT), and some that are frequent in China.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Final

PASSWORD_MIN_CHARS: Final = 8
PASSWORD_MAX_CHARS: Final = 256
DISTINCT_MIN: Final = 4
NAME_MIN_CHARS: Final = 3
BESIDES_NAME_MIN: Final = 4
"""Characters that a password must have besides the person's name, so that ``xiaoming1`` is refused."""

PRODUCT: Final = "kfring"
_SEPARATORS: Final = re.compile(r"[\W_]+")


class WeakPassword(ValueError):
    """A refused new password. The text gives the reason and never contains the password."""


class GuessedPassword(WeakPassword):
    """A new password that is guessed first."""


def check(password: str, names: Iterable[str | None] = ()) -> None:
    """Refuse a password that is guessed first; ``names`` are the person's own. Raises WeakPassword."""
    check_length(password)
    folded = _folded(password)
    if len(folded.strip()) < PASSWORD_MIN_CHARS:
        raise GuessedPassword("blanks around a password do not count: it has 8 characters at least")
    if len(set(folded)) < DISTINCT_MIN or _is_run(folded):
        raise GuessedPassword("this password is a pattern that is guessed first")
    if folded in _common():
        raise GuessedPassword("this is one of the most common passwords")
    for name in (PRODUCT, *names):
        if _is_name(folded, name or ""):
            raise GuessedPassword("the own name is no password")


def check_length(password: str) -> None:
    """Refuse a password that is too short or too long. Raises WeakPassword."""
    if not PASSWORD_MIN_CHARS <= len(password) <= PASSWORD_MAX_CHARS:
        raise WeakPassword(
            f"a password has {PASSWORD_MIN_CHARS} to {PASSWORD_MAX_CHARS} characters"
        )


def _is_run(folded: str) -> bool:
    """Return whether each character follows the one before it, as in ``23456789`` and ``hgfedcba``."""
    steps = {ord(after) - ord(before) for before, after in pairwise(folded)}
    return steps in ({1}, {-1})


def _is_name(folded: str, name: str) -> bool:
    own, bare = _bare(name), _SEPARATORS.sub("", folded)
    if len(own) < NAME_MIN_CHARS or own not in bare:
        return False
    return len(bare.replace(own, "")) < BESIDES_NAME_MIN


def _bare(name: str) -> str:
    return _SEPARATORS.sub("", _folded(name))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


@cache
def _common() -> frozenset[str]:
    file = resources.files("app.auth") / "common_passwords.txt"
    return frozenset(file.read_text(encoding="utf-8").split())
