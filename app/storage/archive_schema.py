"""Tables of closed conversations. ``schema.py`` adds the other tables to this metadata."""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, MetaData, String, Table, Text

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# JSON and not JSONB: it stores any text that a customer can send (NUL, lone surrogates) as escapes.
sessions_archive: Final = Table(
    "sessions_archive",
    metadata,
    Column("appid", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("openid", String(128), nullable=False),
    Column("kf_account", String(64), nullable=False),
    Column("group", String(64), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("closed_ms", BigInteger, nullable=False),
    Column("close_reason", String(32), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("data", JSON, nullable=False),
    Index(None, "appid", "closed_ms", "id"),
    Index(None, "appid", "openid", "closed_ms", "id"),
    Index(None, "appid", "kf_account", "closed_ms", "id"),
    Index(None, "appid", "group", "closed_ms", "id"),
    Index(None, "appid", "close_reason", "closed_ms", "id"),
)

messages_archive: Final = Table(
    "messages_archive",
    metadata,
    Column("appid", String(64), primary_key=True),
    Column("session_id", String(64), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("direction", String(8), nullable=False),
    Column("type", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Index(None, "appid", "created_ms"),
)

routing_cards: Final = Table(
    "routing_cards",
    metadata,
    Column("appid", String(64), primary_key=True),
    Column("session_id", String(64), primary_key=True),
    Column("data", JSON, nullable=False),
)
