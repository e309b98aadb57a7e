"""The version of the data in Redis, whose it is and whether it is whole.

Newer data, foreign data and a part of a backup refuse to start; an empty store takes our version.
"""

from __future__ import annotations

from typing import Final

import redis

from sessions.model import SessionError
from sessions.store.keys import SCHEMA_VERSION, Keys
from sessions.store.scripts import guarded

VERSION_KEY: Final = "kf:schema"
RESTORE_KEY: Final = "kf:restore"


class NewerLayout(SessionError):
    """A newer kfring wrote this data; this one would damage it."""


class HalfRestored(SessionError):
    """A restore into this Redis has begun and has not ended."""


def check_layout(client: redis.Redis) -> None:
    """Refuse what this version cannot work with. Raises NewerLayout, HalfRestored, StoreDown."""
    check_version(client)
    if restore_mark(client):
        raise HalfRestored(
            "a restore into it has not ended: run kf restore with the same archive again, "
            "or empty the database and Redis"
        )


def restore_mark(client: redis.Redis) -> str:
    """Return the mark of the running restore, "" where there is none. Raises StoreDown."""
    return guarded(lambda: client.get(RESTORE_KEY)) or ""


def mark_restore(client: redis.Redis, mark: str) -> None:
    """Set the mark; "" removes it. Raises StoreDown."""
    guarded(lambda: client.set(RESTORE_KEY, mark) if mark else client.delete(RESTORE_KEY))


def check_version(client: redis.Redis) -> None:
    """Raises NewerLayout, StoreDown."""
    guarded(lambda: client.set(VERSION_KEY, SCHEMA_VERSION, nx=True))
    found = int(guarded(lambda: client.get(VERSION_KEY)))
    if found > SCHEMA_VERSION:
        raise NewerLayout(
            f"Redis holds data of layout {found}, this version knows {SCHEMA_VERSION}; upgrade kfring"
        )


class OtherDatabase(SessionError):
    """The agents in Redis are those of another SQL database; this one would wipe them out."""


def check_database(client: redis.Redis, appid: str, database: str, *, alone: bool) -> None:
    """The official account's data belongs to the SQL database of this id; a node that is ``alone`` may
    take it over for another one. Raises OtherDatabase, StoreDown.
    """
    key = Keys(appid).of("database")
    guarded(lambda: client.set(key, database, nx=not alone))
    if guarded(lambda: client.get(key)) != database:
        raise OtherDatabase(
            f"Redis holds {appid} with the people of another database; "
            "set the same KF_DATABASE_URL on every node"
        )
