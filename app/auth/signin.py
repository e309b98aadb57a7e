"""Sign-in: find the person, throttle guessing, check the password, open a login."""

from __future__ import annotations

import contextlib
from collections.abc import Collection

from app.auth.errors import BadCredentials, Busy
from app.auth.logins import Logins, Opened
from app.auth.password_rules import WeakPassword
from app.auth.passwords import Passwords
from app.auth.roles import belongs
from app.auth.throttle import Throttle, account_key
from app.storage import people
from app.storage.engine import Database
from app.storage.people import Person
from app.storage.sql import StorageError, reading, writing


class SignIn:
    """Sign-in by username or kf_account. ``served`` are the appids of this installation.

    Methods raise ``BadCredentials``, ``Throttled``, ``Busy``, and the stores' errors.
    """

    def __init__(
        self,
        engine: Database,
        passwords: Passwords,
        throttle: Throttle,
        logins: Logins,
        served: Collection[str],
    ) -> None:
        self._served = served
        self._engine = engine
        self._passwords = passwords
        self._throttle = throttle
        self._logins = logins

    def cookie(self, name: str, password: str, address: str) -> Opened:
        """Sign a browser in by username or kf_account, from the client's IP address."""
        person, epoch = self._proven(name, password, address)
        return self._logins.open_cookie(person, epoch)

    def token(self, name: str, password: str, address: str) -> Opened:
        """Sign a program in. The secret is its bearer token."""
        person, epoch = self._proven(name, password, address)
        return self._logins.open_token(person, epoch)

    def password_fits(self, person: Person, password: str, address: str) -> bool:
        """Return whether the present password of a person matches, throttled like a sign-in."""
        return self._checked(person, person.username, password, address)

    def _proven(self, name: str, password: str, address: str) -> tuple[Person, str]:
        with reading(self._engine) as conn:
            found = people.by_sign_in_name(conn, name, self._belongs)
        if not self._checked(found, name, password, address) or found is None:
            raise BadCredentials
        epoch = self._logins.epoch(found.id)
        # Read again after the epoch: a later change increments the epoch, which ends this login.
        with reading(self._engine) as conn:
            person = people.get(conn, found.id)
        if person.disabled or person.password_hash != found.password_hash:
            raise BadCredentials
        if not self._belongs(person):
            raise BadCredentials
        self._renew_hash(person, password)
        return person, epoch

    def _belongs(self, person: Person) -> bool:
        return belongs(person.role, person.appid or "", self._served)

    def _checked(self, found: Person | None, name: str, password: str, address: str) -> bool:
        account = account_key(found.id if found else None, name)
        self._throttle.take(account, address)
        try:
            fits = self._passwords.verify(found.password_hash if found else None, password)
        except Busy:
            self._throttle.unchecked(account, address)
            raise
        if fits:
            self._throttle.right(account, address)
        return fits

    def _renew_hash(self, person: Person, password: str) -> None:
        if not self._passwords.outdated(person.password_hash):
            return
        # A failure does not refuse the sign-in: the next one tries again.
        with contextlib.suppress(Busy, WeakPassword, StorageError):
            renewed = self._passwords.hash(password)
            with writing(self._engine) as conn:
                people.rehash(conn, person, renewed)
