"""Migrations by Alembic, a large library that is imported only if there is something to migrate."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def upgrade(conn: Connection, scripts: Path, head: str) -> None:
    """Upgrade the database to ``head``, in the caller's transaction."""
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = conn
    command.upgrade(config, head)
