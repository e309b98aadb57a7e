"""The secret that all nodes on one Redis share, and the keys derived from it."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import redis
from pydantic import SecretStr

from sessions.store.scripts import guarded

KEY: Final = "kf:secret"


def agreed(client: redis.Redis, given: SecretStr | None, own: SecretStr) -> SecretStr:
    """Return ``KF_SECRET_KEY`` if given, else the secret of the first node on this Redis.

    So nodes without the setting agree. Raises ``sessions.model.StoreDown`` or ``StoreRefused``.
    """
    if given is not None:
        return given
    guarded(lambda: client.set(KEY, own.get_secret_value(), nx=True))
    return SecretStr(str(guarded(lambda: client.get(KEY))))


def derive(secret: bytes, purpose: str) -> bytes:
    """Return the key for a purpose."""
    return hmac.digest(hashlib.sha256(secret).digest(), purpose.encode(), "sha256")
