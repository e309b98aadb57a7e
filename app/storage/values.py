"""Small values that must survive a restart and have no table of their own."""

from __future__ import annotations

from sqlalchemy import Connection, select

from app.storage.schema import settings_kv
from app.storage.sql import insert_into


def get(conn: Connection, key: str) -> str | None:
    return conn.execute(
        select(settings_kv.c.value).where(settings_kv.c.key == key)
    ).scalar_one_or_none()


def put(conn: Connection, key: str, value: str) -> None:
    statement = insert_into(conn, settings_kv).on_conflict_do_update(
        index_elements=["key"], set_={"value": value}
    )
    conn.execute(statement, {"key": key, "value": value})


def put_once(conn: Connection, key: str, value: str) -> str:
    """Store a value unless there is one. Returns the stored value, the same on every node."""
    statement = insert_into(conn, settings_kv).on_conflict_do_nothing()
    conn.execute(statement, {"key": key, "value": value})
    return get(conn, key) or value


def remove(conn: Connection, key: str) -> None:
    conn.execute(settings_kv.delete().where(settings_kv.c.key == key))
