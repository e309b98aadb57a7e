"""However old a database is, its schema is the one that a new database has."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine, text

from app.storage import engine as engines
from app.storage.migrate import SCRIPTS, current_revision, known_revisions, migrate
from app.storage.revisions import upgrade
from app.storage.sql import StorageError, reading, writing

LANDED = Path(__file__).with_name("landed_revisions.sha256")
ROWS = """
INSERT INTO kf_accounts VALUES ('wx1', 'amy@kf', 'Amy', 'local', '', '', '', 5, false, 1, 1, NULL);
INSERT INTO groups VALUES ('wx1', 'sales', 'Sales', NULL, '{}', 1);
INSERT INTO memberships VALUES ('wx1', 'amy@kf', 'sales');
INSERT INTO people VALUES (7, 'amy', 'Amy', 'agent', 'x', 'wx1', 'amy@kf', false, 1, 1);
INSERT INTO canned_replies VALUES (3, 'wx1', 7, 'Hello', 'Hello!', 1);
INSERT INTO media VALUES ('wx1', 'm1', 's1', 'o1', NULL, 'image', 'image/png', 'a.png', 3, 'x', NULL, 1, '',
  'pending');
"""


@pytest.fixture
def new(request: pytest.FixtureRequest, empty_url: str | None, tmp_path: Path) -> Iterator[Engine]:
    """Another database of the same kind, as a first start makes it."""
    (tmp_path / "new").mkdir()
    with ExitStack() as last:
        url = None
        if empty_url is not None:
            url = last.enter_context(request.getfixturevalue("databases").empty())
        engine = engines.create(url, tmp_path / "new")
        last.callback(engine.dispose)
        migrate(engine)
        yield engine


@pytest.fixture
def by_revisions(make_engine: Callable[[], Engine]) -> Engine:
    made = make_engine()
    with writing(made) as conn:
        upgrade(conn, SCRIPTS, known_revisions()[-1])
    return made


@pytest.fixture
def with_doubled_names(make_engine: Callable[[], Engine], tmp_path: Path) -> Engine:
    """A database as it was before the first revision marked the names of checks as final, with rows."""
    scripts = tmp_path / "older"
    shutil.copytree(SCRIPTS, scripts)
    first = scripts / "versions" / "0001_everything.py"
    first.write_text(re.sub(r"op\.f\((\"ck_\w+\")\)", r"\1", first.read_text()))
    made = make_engine()
    with writing(made) as conn:
        upgrade(conn, scripts, "0002")
        for statement in ROWS.split(";\n")[:-1]:
            conn.execute(text(statement))
    return made


def test_a_database_that_went_through_the_revisions_is_like_a_new_one(
    by_revisions: Engine, new: Engine
) -> None:
    assert schema(by_revisions) == schema(new)


def test_a_database_with_doubled_names_of_checks_becomes_like_a_new_one(
    with_doubled_names: Engine, new: Engine
) -> None:
    assert "ck_people_ck_people_role" in str(schema(with_doubled_names))
    rows = contents(with_doubled_names)
    migrate(with_doubled_names)
    assert schema(with_doubled_names) == schema(new)
    assert as_wide_as(rows, contents(with_doubled_names)) == rows


def test_references_are_enforced_again_after_an_upgrade(with_doubled_names: Engine) -> None:
    migrate(with_doubled_names)
    with pytest.raises(StorageError), writing(with_doubled_names) as conn:
        conn.execute(text("DELETE FROM people"))


def test_an_upgrade_that_loses_what_others_refer_to_is_undone(
    with_doubled_names: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lossy(conn: sa.Connection, scripts: Path, head: str) -> None:
        upgrade(conn, scripts, head)
        conn.execute(text("DELETE FROM people"))

    monkeypatch.setattr("app.storage.revisions.upgrade", lossy)
    with pytest.raises(StorageError):
        migrate(with_doubled_names)
    assert current_revision(with_doubled_names) == "0002"
    assert len(contents(with_doubled_names)["people"]) == 1


def test_landed_revisions_are_never_edited() -> None:
    """Whoever lands a revision adds its line: `sha256sum` of the file, run in its folder."""
    landed = {line.split()[1]: line.split()[0] for line in LANDED.read_text().splitlines()}
    files = {file.name: file.read_bytes() for file in (SCRIPTS / "versions").glob("0*.py")}
    assert landed == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def schema(engine: Engine) -> dict[str, Any]:
    """Columns, constraints and indexes of each table, with their names and in no order."""
    seen = sa.inspect(engine)
    return {
        table: {
            "columns": _ordered(seen.get_columns(table)),
            "primary key": str(seen.get_pk_constraint(table)),
            "checks": _ordered(seen.get_check_constraints(table)),
            "references": _ordered(seen.get_foreign_keys(table)),
            "unique": _ordered(seen.get_unique_constraints(table)),
            "indexes": _ordered(seen.get_indexes(table)),
        }
        for table in seen.get_table_names()
    } | {"triggers": _triggers(engine)}


def _ordered(parts: list[Any]) -> list[str]:
    return sorted(str(sorted(part.items(), key=str)) for part in parts)


def _triggers(engine: Engine) -> list[str]:
    query = {
        "sqlite": "SELECT sql FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    }[engine.dialect.name]
    with reading(engine) as conn:
        return sorted(conn.execute(text(query)).scalars())


def contents(engine: Engine) -> dict[str, list[Any]]:
    tables = ("kf_accounts", "groups", "memberships", "people", "canned_replies", "media")
    with reading(engine) as conn:
        return {name: list(conn.execute(text(f'SELECT * FROM "{name}"'))) for name in tables}


def as_wide_as(
    before: dict[str, list[Any]], after: dict[str, list[Any]]
) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of ``after`` without the columns that were added since, which stand last."""
    width = {table: len(rows[0]) for table, rows in before.items() if rows}
    return {
        table: [tuple(row)[: width.get(table, len(row))] for row in rows]
        for table, rows in after.items()
    }
