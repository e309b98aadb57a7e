"""The official accounts that a supervisor leads, by name; who edited a note, and when.

A supervisor without a kf account could act in every official account so far. What they could do is
written down, so that an admin sees it and can take it away.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

people = sa.table(
    "people",
    sa.column("role", sa.String),
    sa.column("appid", sa.String),
    sa.column("leads", sa.JSON),
)
groups = sa.table("groups", sa.column("appid", sa.String))


def upgrade() -> None:
    op.add_column("people", sa.Column("leads", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("customer_notes", sa.Column("edited_by", sa.String(length=64)))
    op.add_column("customer_notes", sa.Column("edited_ms", sa.BigInteger()))
    # Each official account that was ever served has its default groups.
    served = op.get_bind().execute(sa.select(groups.c.appid).distinct().order_by(groups.c.appid))
    everywhere = (people.c.role == "supervisor") & people.c.appid.is_(None)
    op.execute(people.update().where(everywhere).values(leads=list(served.scalars())))
