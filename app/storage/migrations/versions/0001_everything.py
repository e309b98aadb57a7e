"""The first schema: archive, directory, customers, notices, media and the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("act", sa.String(length=64), nullable=False),
        sa.Column("object", sa.String(length=256), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("ip", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=128), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sa.UniqueConstraint("prev_hash", name="uq_audit_prev_hash"),
    )
    op.create_index("ix_audit_act_id", "audit", ["act", "id"])
    op.create_index("ix_audit_object_id", "audit", ["object", "id"])
    op.create_index("ix_audit_who_id", "audit", ["who", "id"])
    op.create_table(
        "customer_notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("appid", sa.String(length=64), nullable=False),
        sa.Column("openid", sa.String(length=128), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_customer_notes"),
    )
    op.create_index(
        "ix_customer_notes_appid_openid_id", "customer_notes", ["appid", "openid", "id"]
    )
    op.create_table(
        "customers",
        sa.Column("appid", sa.String(length=64), nullable=False),
        sa.Column("openid", sa.String(length=128), nullable=False),
        sa.Column("remark", sa.String(length=128), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("appid", "openid", name="pk_customers"),
    )
    op.create_table(
        "groups",
        sa.Column("appid", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=64), nullable=False),
        sa.Column("fallback", sa.String(length=64), nullable=True),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appid", "fallback"], ["groups.appid", "groups.name"], name="fk_groups_appid_fallback"
        ),
        sa.PrimaryKeyConstraint("appid", "name", name="pk_groups"),
    )
    op.create_table(
        "integration_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_integration_tokens"),
        sa.UniqueConstraint("token_hash", name="uq_integration_tokens_token_hash"),
    )
    op.create_table(
        "kf_accounts",
        sa.Column("appid", sa.String(length=64), nullable=False),
        sa.Column("kf_account", sa.String(length=64), nullable=False),
        sa.Column("nickname", sa.String(length=64), nullable=False),
        sa.Column("platform", sa.String(length=16), nullable=False),
        sa.Column("platform_note", sa.Text(), nullable=False),
        sa.Column("kf_id", sa.String(length=32), nullable=False),
        sa.Column("avatar", sa.Text(), nullable=False),
        sa.Column("max_sessions", sa.Integer(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.Column("removed_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "platform IN ('local', 'registered', 'invited', 'bound')",
            name=op.f("ck_kf_accounts_platform"),
        ),
        sa.CheckConstraint("max_sessions >= 0", name=op.f("ck_kf_accounts_max_sessions")),
        sa.PrimaryKeyConstraint("appid", "kf_account", name="pk_kf_accounts"),
    )
    op.create_table(
        "media",
        sa.Column("appid", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=True),
        sa.Column("openid", sa.String(length=128), nullable=True),
        sa.Column("uploaded_by", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("mime", sa.String(length=64), nullable=False),
        sa.Column("filename", sa.String(length=256), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("platform_media_id", sa.String(length=256), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.CheckConstraint("(state = 'ready') = (data IS NOT NULL)", name=op.f("ck_media_data")),
        sa.CheckConstraint("state IN ('pending', 'ready', 'failed')", name=op.f("ck_media_state")),
        sa.PrimaryKeyConstraint("appid", "id", name="pk_media"),
    )
    op.create_index("ix_media_appid_openid", "media", ["appid", "openid"])
    op.create_index("ix_media_appid_session_id", "media", ["appid", "session_id"])
    op.create_index("ix_media_state_created_ms", "media", ["state", "created_ms"])
    op.create_table(
        "messages_archive",
        sa.Column("appid", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("appid", "session_id", "seq", name="pk_messages_archive"),
    )
    op.create_index(
        "ix_messages_archive_appid_created_ms", "messages_archive", ["appid", "created_ms"]
    )
    op.create_table(
        "notices",
        sa.Column("appid", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("lang", sa.String(length=8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("appid", "key", "lang", name="pk_notices"),
    )
    op.create_table(
        "routing_cards",
        sa.Column("appid", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("appid", "session_id", name="pk_routing_cards"),
    )
    op.create_table(
        "sessions_archive",
        sa.Column("appid", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("openid", sa.String(length=128), nullable=False),
        sa.Column("kf_account", sa.String(length=64), nullable=False),
        sa.Column("group", sa.String(length=64), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=False),
        sa.Column("close_reason", sa.String(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("appid", "id", name="pk_sessions_archive"),
    )
    op.create_index(
        "ix_sessions_archive_appid_close_reason_closed_ms_id",
        "sessions_archive",
        ["appid", "close_reason", "closed_ms", "id"],
    )
    op.create_index(
        "ix_sessions_archive_appid_closed_ms_id", "sessions_archive", ["appid", "closed_ms", "id"]
    )
    op.create_index(
        "ix_sessions_archive_appid_group_closed_ms_id",
        "sessions_archive",
        ["appid", "group", "closed_ms", "id"],
    )
    op.create_index(
        "ix_sessions_archive_appid_kf_account_closed_ms_id",
        "sessions_archive",
        ["appid", "kf_account", "closed_ms", "id"],
    )
    op.create_index(
        "ix_sessions_archive_appid_openid_closed_ms_id",
        "sessions_archive",
        ["appid", "openid", "closed_ms", "id"],
    )
    op.create_table(
        "settings_kv",
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_settings_kv"),
    )
    op.create_table(
        "memberships",
        sa.Column("appid", sa.String(length=64), nullable=False),
        sa.Column("kf_account", sa.String(length=64), nullable=False),
        sa.Column("group", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["appid", "group"],
            ["groups.appid", "groups.name"],
            name="fk_memberships_appid_group",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["appid", "kf_account"],
            ["kf_accounts.appid", "kf_accounts.kf_account"],
            name="fk_memberships_appid_kf_account",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("appid", "kf_account", "group", name="pk_memberships"),
    )
    op.create_index("ix_memberships_appid_group", "memberships", ["appid", "group"])
    op.create_table(
        "people",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("display_name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("password_hash", sa.String(length=256), nullable=False),
        sa.Column("appid", sa.String(length=64), nullable=True),
        sa.Column("kf_account", sa.String(length=64), nullable=True),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("password_changed_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("role IN ('agent', 'supervisor', 'admin')", name=op.f("ck_people_role")),
        sa.CheckConstraint(
            "(appid IS NULL) = (kf_account IS NULL)", name=op.f("ck_people_account")
        ),
        sa.ForeignKeyConstraint(
            ["appid", "kf_account"],
            ["kf_accounts.appid", "kf_accounts.kf_account"],
            name="fk_people_appid_kf_account",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.UniqueConstraint("appid", "kf_account", name="uq_people_appid_kf_account"),
        sa.UniqueConstraint("username", name="uq_people_username"),
    )
    op.create_table(
        "canned_replies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("appid", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["people.id"], name="fk_canned_replies_owner"),
        sa.PrimaryKeyConstraint("id", name="pk_canned_replies"),
    )
    op.create_index("ix_canned_replies_appid_owner", "canned_replies", ["appid", "owner"])
    _forbid_rewriting_audit()


def _forbid_rewriting_audit() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit "
            "FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
        )
