"""Logins: cookie sessions and bearer tokens in Redis, revocable at any time.

The client's secret is ``<person id>.<256 random bits>``; Redis stores only its SHA-256. All keys of a person
share a hash tag. "Sign out everywhere" increments one counter, with which every login is compared.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final

import redis

from app.auth.errors import BadCredentials
from app.auth.roles import SUPERVISOR
from app.auth.secret_key import derive
from app.storage.people import Person
from sessions.store.scripts import guarded

COOKIE_IDLE_MS: Final = 12 * 3600 * 1000
COOKIE_ABSOLUTE_MS: Final = 24 * 3600 * 1000
TOKEN_EXPIRES_S: Final = 43_200
SECRET_BYTES: Final = 32
SECRET: Final = re.compile(r"([0-9]{1,18})\.[A-Za-z0-9_-]{43}")

_TEXTS: Final = ("kind", "username", "role", "appid", "kf_account")
_LEADS: Final = "leads"
_NUMBERS: Final = ("person_id", "created_ms", "ends_ms")


@dataclass(frozen=True, slots=True)
class Login:
    """A valid login. ``id`` is the hash of its secret, ``kind`` is cookie or token."""

    id: str
    kind: str
    person_id: int
    username: str
    role: str
    appid: str
    kf_account: str
    created_ms: int
    ends_ms: int
    leads: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Opened:
    """A new login, and the secret that the client gets only once."""

    login: Login
    secret: str = field(repr=False)


class Logins:
    """The logins of this installation.

    Methods raise ``sessions.model.StoreDown`` or ``StoreRefused`` if Redis fails.
    """

    def __init__(
        self, client: redis.Redis, secret_key: bytes, previous_key: bytes | None = None
    ) -> None:
        """``previous_key`` is also accepted, while the key is being changed."""
        self._client = client
        keys = [secret_key] if previous_key is None else [secret_key, previous_key]
        self._csrf_keys = [derive(key, "csrf") for key in keys]
        self._open = client.register_script(script_text("login_open"))
        self._check = client.register_script(script_text("login_check"))

    def epoch(self, person_id: int) -> str:
        """Return the person's sign-out counter. Read it before role and state, and pass it to ``open_…``."""
        return str(guarded(lambda: self._client.get(_epoch_key(person_id))) or "0")

    def open_cookie(self, person: Person, epoch: str) -> Opened:
        """Open a browser's login, which ends after 12 h without use and after 24 h in any case."""
        return self._opened("cookie", person, epoch, COOKIE_IDLE_MS, COOKIE_ABSOLUTE_MS)

    def open_token(self, person: Person, epoch: str) -> Opened:
        """Open a program's login for ``TOKEN_EXPIRES_S``."""
        lasts_ms = TOKEN_EXPIRES_S * 1000
        return self._opened("token", person, epoch, lasts_ms, lasts_ms)

    def find(self, secret: str, kind: str, *, active: bool = True) -> Login | None:
        """Return the valid login of a secret and kind, or None.

        ``active=False`` does not count as use: it is for the check of an open event stream.
        """
        matched = SECRET.fullmatch(secret)
        if matched is None:
            return None
        person_id, ident = int(matched[1]), _hash(secret)
        keys = [_key(person_id, ident), _epoch_key(person_id)]
        touch = "1" if active and kind == "cookie" else "0"
        flat: list[str] = guarded(lambda: self._check(keys=keys, args=[touch]))
        stored = dict(zip(flat[::2], flat[1::2], strict=True))
        if stored.get("kind") != kind or _says_too_little(stored):
            return None
        return _login(ident, stored)

    def csrf(self, login: Login) -> str:
        """Return the token that unsafe requests of this cookie session send in ``X-CSRF-Token``."""
        return _csrf(self._csrf_keys[0], login)

    def csrf_fits(self, login: Login, given: str) -> bool:
        raw = given.encode("utf-8", "replace")
        return any(hmac.compare_digest(_csrf(key, login).encode(), raw) for key in self._csrf_keys)

    def revoke(self, login: Login) -> None:
        """End one login."""
        guarded(lambda: self._client.delete(_key(login.person_id, login.id)))

    def revoke_all(self, person_id: int) -> None:
        """Sign a person out everywhere, also sign-ins in progress."""
        guarded(lambda: self._client.incr(_epoch_key(person_id)))

    def _opened(
        self, kind: str, person: Person, epoch: str, idle_ms: int, absolute_ms: int
    ) -> Opened:
        secret = f"{person.id}.{secrets.token_urlsafe(SECRET_BYTES)}"
        stored: dict[str, str] = {
            "kind": kind,
            "person_id": str(person.id),
            "username": person.username,
            "role": person.role,
            "appid": person.appid or "",
            "kf_account": person.kf_account or "",
            _LEADS: json.dumps(person.leads),
        }
        keys = [_key(person.id, _hash(secret)), _epoch_key(person.id)]
        pairs = [part for pair in stored.items() for part in pair]
        args: list[str | int] = [epoch, idle_ms, absolute_ms, *pairs]
        times = guarded(lambda: self._open(keys=keys, args=args))
        if not times:
            raise BadCredentials
        stored |= {"created_ms": times[0], "ends_ms": times[1]}
        return Opened(_login(_hash(secret), stored), secret)


def script_text(name: str) -> str:
    """Return the text of a Lua script of this package."""
    return (resources.files("app.auth") / "lua" / f"{name}.lua").read_text(encoding="utf-8")


def _says_too_little(stored: dict[str, str]) -> bool:
    """Return whether a supervisor's login lacks their official accounts. They must sign in again."""
    return stored["role"] == SUPERVISOR and _LEADS not in stored


def _login(ident: str, stored: dict[str, Any]) -> Login:
    values: dict[str, Any] = {name: stored[name] for name in _TEXTS}
    values[_LEADS] = frozenset(json.loads(stored.get(_LEADS, "[]")))
    values |= {name: int(stored[name]) for name in _NUMBERS}
    return Login(id=ident, **values)


def _csrf(key: bytes, login: Login) -> str:
    return hmac.digest(key, login.id.encode(), "sha256").hex()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(person_id: int, ident: str) -> str:
    return f"kf:login:{{{person_id}}}:{ident}"


def _epoch_key(person_id: int) -> str:
    return f"kf:login:{{{person_id}}}:epoch"
