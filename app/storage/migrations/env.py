"""Alembic's entry: runs the revisions on the connection that ``app.storage.migrate`` hands in."""

from __future__ import annotations

from alembic import context

from app.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
