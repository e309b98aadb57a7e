"""Identifiers of requests and operations: unique, not secret."""

from __future__ import annotations

import os
import random
from typing import Final

_RANDOM: Final = random.Random()
"""Not the module's own generator, which anybody may seed."""

os.register_at_fork(after_in_child=_RANDOM.seed)


def fresh_ident() -> str:
    """128 random bits as hex, from a generator that the system seeds in each process.

    Asking the system for each would give the interpreter away: under load the way back to it takes longer
    than the whole step (docs/performance.md).
    """
    return f"{_RANDOM.getrandbits(128):032x}"
