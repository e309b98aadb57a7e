"""Names for what happens once: requests and operations. Unique, not secret."""

from __future__ import annotations

import random


def fresh_ident() -> str:
    """128 random bits as hex, from a generator that the system seeds in each process.

    Asking the system for each would give the interpreter away: under load the way back to it takes longer
    than the whole step (docs/performance.md).
    """
    return f"{random.getrandbits(128):032x}"
