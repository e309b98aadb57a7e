"""Throttle of password guessing, per account and per (account, address).

No limit applies to an address alone, so an office behind one address cannot lock itself out. Guesses from
other addresses do not delay an address from which the account signed in before.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Final

import redis

from app.auth.errors import Throttled
from app.auth.logins import script_text
from sessions.store.scripts import guarded

ADDRESS_MAX_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """The number of attempts without a wait, then waits that double from ``first_ms`` to the longest."""

    free_on_account: int = 50
    longest_on_account_ms: int = 60_000
    free_from_address: int = 10
    longest_from_address_ms: int = 15 * 60_000
    first_ms: int = 1000
    stored_ms: int = 3_600_000
    known_ms: int = 30 * 86_400_000


class Throttle:
    """Counter of attempts. Call ``take`` before a check; then ``right``, ``unchecked``, or nothing if wrong.

    Methods raise ``sessions.model.StoreDown`` or ``StoreRefused`` if Redis fails.
    """

    def __init__(self, client: redis.Redis, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._take = client.register_script(script_text("throttle_take"))
        self._settle = client.register_script(script_text("throttle_settle"))

    def take(self, account: str, address: str) -> None:
        """Count an attempt. Raises ``Throttled``."""
        limits = self._limits
        args = [
            limits.free_on_account,
            limits.longest_on_account_ms,
            limits.free_from_address,
            limits.longest_from_address_ms,
            limits.first_ms,
            limits.stored_ms,
        ]
        wait_ms = int(guarded(lambda: self._take(keys=_keys(account, address), args=args)))
        if wait_ms > 0:
            raise Throttled(math.ceil(wait_ms / 1000))

    def right(self, account: str, address: str) -> None:
        """Reset the count of a right password, and remember the address as known."""
        self._settled(account, address, "right")

    def unchecked(self, account: str, address: str) -> None:
        """Take an attempt back that was never checked."""
        self._settled(account, address, "unchecked")

    def _settled(self, account: str, address: str, how: str) -> None:
        args: list[str | int] = [how, self._limits.known_ms]
        guarded(lambda: self._settle(keys=_keys(account, address), args=args))


def account_key(person_id: int | None, name: str) -> str:
    """Return the key of a person, whatever name they used. An unknown name has a key of the same form."""
    named = f"person {person_id}" if person_id is not None else f"name {name.strip().casefold()}"
    return hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()[:32]


def _keys(account: str, address: str) -> list[str]:
    prefix = f"kf:throttle:{{{account}}}:"
    place = address[:ADDRESS_MAX_CHARS]
    return [prefix + "all", f"{prefix}from:{place}", f"{prefix}known:{place}"]
