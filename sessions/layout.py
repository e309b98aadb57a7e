"""The version of the data in Redis and whose it is: newer or foreign data refuses to start, an empty
store takes ours."""

from __future__ import annotations

from typing import Final

import redis

from sessions.keys import SCHEMA_VERSION, Keys
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
