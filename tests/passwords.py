"""Passwords for tests that sign in often: the same algorithm with the least memory it takes."""

from __future__ import annotations

from typing import Final

from app.auth.passwords import Passwords

LEAST_KIB: Final = 8


def cheap_passwords(wait_s: float = 30.0) -> Passwords:
    """Return passwords whose hash costs no work worth measuring; nothing outside the tests makes them."""
    return Passwords(wait_s=wait_s, memory_kib=LEAST_KIB)
