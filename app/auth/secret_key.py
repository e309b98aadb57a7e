"""The secret of all nodes on one Redis, from which keys for single purposes are derived."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import redis
from pydantic import SecretStr

from sessions.store.scripts import guarded

KEY: Final = "kf:secret"


def agreed(client: redis.Redis, given: SecretStr | None, own: SecretStr) -> SecretStr:
    """``KF_SECRET_KEY`` if given, else the one that the first node on this Redis made for itself.

    So nodes that were told nothing agree. Raises ``sessions.model.StoreDown`` or ``StoreRefused``.
    """
    if given is not None:
        return given
    guarded(lambda: client.set(KEY, own.get_secret_value(), nx=True))
    return SecretStr(str(guarded(lambda: client.get(KEY))))


def derive(secret: bytes, purpose: str) -> bytes:
    """A key of its own for one purpose."""
    return hmac.digest(hashlib.sha256(secret).digest(), purpose.encode(), "sha256")
