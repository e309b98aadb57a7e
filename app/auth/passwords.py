"""Password hashes: argon2id, a few at a time, with the same cost for names that do not exist.

Parameters and the bound are those of ``reliability.md`` section 6 (OWASP).
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.auth.errors import Busy
from app.auth.password_rules import PASSWORD_MAX_CHARS, check, check_length
from app.node.one_core import ONE_CORE

MEMORY_KIB: Final = 46 * 1024
TIME_COST: Final = 1
LANES: Final = 1
SALT_BYTES, HASH_BYTES = 16, 32
PARALLEL_HASHES: Final = 2
WAIT_S: Final = 5.0
GENERATED_BYTES: Final = 12


class Passwords:
    """Hashing and checking of passwords, ``parallel`` at a time. Other callers wait up to ``wait_s``.

    ``memory_kib`` is the memory of one hash. It is no setting: only tests that sign in often pass less.
    """

    def __init__(
        self,
        parallel: int = PARALLEL_HASHES,
        wait_s: float = WAIT_S,
        memory_kib: int = MEMORY_KIB,
    ) -> None:
        self._hasher = PasswordHasher(
            time_cost=TIME_COST,
            memory_cost=memory_kib,
            parallelism=LANES,
            salt_len=SALT_BYTES,
            hash_len=HASH_BYTES,
        )
        self._slots = threading.BoundedSemaphore(parallel)
        self._wait_s = wait_s
        self._of_nobody = _hash_of_nothing(memory_kib)

    def hash_new(self, password: str, *names: str | None) -> str:
        """Return the hash of a password that a person of these names is to have.

        Raises ``WeakPassword``, ``Busy``.
        """
        check(password, names)
        return self.hash(password)

    def hash(self, password: str) -> str:
        """Return the hash of a password that is in use already. Raises ``WeakPassword``, ``Busy``."""
        check_length(password)
        with self._slot(), ONE_CORE.left():
            return self._hasher.hash(_bytes(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Return whether the password matches. With ``stored`` None it does the same work and returns False.

        Raises ``Busy``.
        """
        usable = stored is not None and len(password) <= PASSWORD_MAX_CHARS
        with self._slot(), ONE_CORE.left():
            try:
                self._hasher.verify(
                    stored if stored and usable else self._of_nobody,
                    _bytes(password[:PASSWORD_MAX_CHARS]),
                )
            except (VerificationError, InvalidHashError):
                return False
        return usable

    def outdated(self, stored: str) -> bool:
        """Return whether the hash has other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=self._wait_s):
            raise Busy
        try:
            yield
        finally:
            self._slots.release()


def generate() -> str:
    """Return a new password of 96 random bits that is easy to copy."""
    return secrets.token_urlsafe(GENERATED_BYTES)


def _hash_of_nothing(memory_kib: int) -> str:
    """Return a hash that matches no password and costs as much to check as a computed one."""
    salt, digest = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (SALT_BYTES, HASH_BYTES)
    )
    return f"$argon2id$v=19$m={memory_kib},t={TIME_COST},p={LANES}${salt}${digest}"


def _bytes(password: str) -> bytes:
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
