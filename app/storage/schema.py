"""All SQL tables: those of ``archive_schema.py`` and the ones below.

Times are integers, milliseconds since the epoch. A kf_account is always ``prefix@wechat_id``.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from app.storage.archive_schema import messages_archive, metadata, routing_cards, sessions_archive

__all__ = [
    "audit",
    "canned_replies",
    "customer_notes",
    "customers",
    "groups",
    "integration_tokens",
    "kf_accounts",
    "media",
    "memberships",
    "messages_archive",
    "metadata",
    "notices",
    "people",
    "routing_cards",
    "routing_versions",
    "sessions_archive",
    "settings_kv",
]

kf_accounts: Final = Table(
    "kf_accounts",
    metadata,
    Column("appid", String(64), primary_key=True),
    Column("kf_account", String(64), primary_key=True),
    Column("nickname", String(64), nullable=False),
    Column("platform", String(16), nullable=False),
    Column("platform_note", Text, nullable=False),
    Column("kf_id", String(32), nullable=False),
    Column("avatar", Text, nullable=False),
    Column("max_sessions", Integer, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("removed_ms", BigInteger),
    CheckConstraint("platform IN ('local', 'registered', 'invited', 'bound')", name="platform"),
    CheckConstraint("max_sessions >= 0", name="max_sessions"),
)

people: Final = Table(
    "people",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("username", String(64), nullable=False),
    Column("display_name", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("password_hash", String(256), nullable=False),
    Column("appid", String(64)),
    Column("kf_account", String(64)),
    Column("disabled", Boolean, nullable=False),
    Column("leads", JSON, nullable=False, server_default="[]"),
    Column("created_ms", BigInteger, nullable=False),
    Column("password_changed_ms", BigInteger, nullable=False),
    UniqueConstraint("username"),
    UniqueConstraint("appid", "kf_account"),
    ForeignKeyConstraint(["appid", "kf_account"], ["kf_accounts.appid", "kf_accounts.kf_account"]),
    CheckConstraint("role IN ('agent', 'supervisor', 'admin')", name="role"),
    CheckConstraint("(appid IS NULL) = (kf_account IS NULL)", name="account"),
)

groups: Final = Table(
    "groups",
    metadata,
    Column("appid", String(64), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("title", String(64), nullable=False),
    Column("fallback", String(64)),
    Column("settings", JSON, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    ForeignKeyConstraint(["appid", "fallback"], ["groups.appid", "groups.name"]),
)

memberships: Final = Table(
    "memberships",
    metadata,
    Column("appid", String(64), primary_key=True),
    Column("kf_account", String(64), primary_key=True),
    Column("group", String(64), primary_key=True),
    ForeignKeyConstraint(
        ["appid", "kf_account"],
        ["kf_accounts.appid", "kf_accounts.kf_account"],
        ondelete="CASCADE",
    ),
    ForeignKeyConstraint(["appid", "group"], ["groups.appid", "groups.name"], ondelete="CASCADE"),
    Index(None, "appid", "group"),
)

notices: Final = Table(
    "notices",
    metadata,
    Column("appid", String(64), primary_key=True),
    Column("key", String(32), primary_key=True),
    Column("lang", String(8), primary_key=True),
    Column("text", Text, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("by", String(64), nullable=False),
)

routing_versions: Final = Table(
    "routing_versions",
    metadata,
    Column("appid", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("document", JSON, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("by", String(128), nullable=False),
)

customers: Final = Table(
    "customers",
    metadata,
    Column("appid", String(64), primary_key=True),
    Column("openid", String(128), primary_key=True),
    Column("remark", String(128), nullable=False),
    Column("facts", JSON, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
)

customer_notes: Final = Table(
    "customer_notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("appid", String(64), nullable=False),
    Column("openid", String(128), nullable=False),
    Column("author", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("edited_by", String(64)),
    Column("edited_ms", BigInteger),
    Index(None, "appid", "openid", "id"),
)

canned_replies: Final = Table(
    "canned_replies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("appid", String(64), nullable=False),
    Column("owner", Integer, ForeignKey("people.id")),
    Column("title", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Index(None, "appid", "owner"),
)

audit: Final = Table(
    "audit",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("who", String(128), nullable=False),
    Column("role", String(16), nullable=False),
    Column("act", String(64), nullable=False),
    Column("object", String(256), nullable=False),
    Column("detail", JSON, nullable=False),
    Column("ip", String(64), nullable=False),
    Column("request_id", String(128), nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    UniqueConstraint("prev_hash"),
    Index(None, "who", "id"),
    Index(None, "act", "id"),
    Index(None, "object", "id"),
)

media: Final = Table(
    "media",
    metadata,
    Column("appid", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("session_id", String(64)),
    Column("openid", String(128)),
    Column("uploaded_by", String(64)),
    Column("kind", String(16), nullable=False),
    Column("mime", String(64), nullable=False),
    Column("filename", String(256), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("data", LargeBinary),
    Column("created_ms", BigInteger, nullable=False),
    Column("platform_media_id", String(256), nullable=False),
    Column("state", String(16), nullable=False),
    CheckConstraint("state IN ('pending', 'ready', 'failed')", name="state"),
    CheckConstraint("(state = 'ready') = (data IS NOT NULL)", name="data"),
    Index(None, "appid", "session_id"),
    Index(None, "appid", "openid"),
    Index(None, "state", "created_ms"),
)

integration_tokens: Final = Table(
    "integration_tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("token_hash", String(64), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    UniqueConstraint("token_hash"),
)

settings_kv: Final = Table(
    "settings_kv",
    metadata,
    Column("key", String(128), primary_key=True),
    Column("value", Text, nullable=False),
)
