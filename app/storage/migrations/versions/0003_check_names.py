"""The names of six checks, as every new database has them.

Databases made before revision 0001 marked its names as final have the table's prefix in them twice. A
later revision that changes a check finds it by its name.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CHECKS: Final = {
    "kf_accounts": ("platform", "max_sessions"),
    "media": ("data", "state"),
    "people": ("role", "account"),
}


def upgrade() -> None:
    for table, checks in CHECKS.items():
        names = {f"ck_{table}_ck_{table}_{check}": f"ck_{table}_{check}" for check in checks}
        found = {check["name"] for check in sa.inspect(op.get_bind()).get_check_constraints(table)}
        old = {name: new for name, new in names.items() if name in found}
        if old:
            _rename(table, old)


def _rename(table: str, names: dict[str, str]) -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rebuild(table, names)
        return
    for old, new in names.items():
        op.execute(f'ALTER TABLE "{table}" RENAME CONSTRAINT "{old}" TO "{new}"')


def _rebuild(table: str, names: dict[str, str]) -> None:
    """Replace the table by one of the same rows; SQLite cannot rename a constraint.

    References to the table are not enforced during a migration, so that nothing follows its removal.
    """
    query = sa.text("SELECT name, sql FROM sqlite_master WHERE tbl_name = :table AND sql <> ''")
    objects = {row.name: row.sql for row in op.get_bind().execute(query, {"table": table})}
    definition = objects.pop(table)
    for old, new in names.items():
        definition = definition.replace(old, new)
    _, columns = definition.split("(", 1)
    op.execute(f'CREATE TABLE "{table}_new" ({columns}')
    op.execute(f'INSERT INTO "{table}_new" SELECT * FROM "{table}"')
    op.execute(f'DROP TABLE "{table}"')
    op.execute(f'ALTER TABLE "{table}_new" RENAME TO "{table}"')
    for index in objects.values():
        op.execute(index)
