"""The version of the data in Redis: newer data refuses to start, an empty store takes ours."""

from __future__ import annotations

from typing import Final

import redis

from sessions.keys import SCHEMA_VERSION
from sessions.model import SessionError
from sessions.scripts import guarded

VERSION_KEY: Final = "kf:schema"


class NewerLayout(SessionError):
    """A newer kfring wrote this data; this one would damage it."""


def check_layout(client: redis.Redis) -> None:
    """Raises NewerLayout, StoreDown."""
    guarded(lambda: client.set(VERSION_KEY, SCHEMA_VERSION, nx=True))
    found = int(guarded(lambda: client.get(VERSION_KEY)))
    if found > SCHEMA_VERSION:
        raise NewerLayout(
            f"Redis holds data of layout {found}, this version knows {SCHEMA_VERSION}; upgrade kfring"
        )
