from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from app.storage import engine as engines
from app.storage.migrate import SCRIPTS, NewerDataError, _locked, current_revision, migrate
from app.storage.people import everyone
from app.storage.revisions import upgrade
from app.storage.schema import metadata
from app.storage.sql import StorageDown, StorageError, reading, writing

MIGRATE = """
import sys
from pathlib import Path
from app.storage.engine import create
from app.storage.migrate import migrate
print(migrate(create(sys.argv[1], Path(sys.argv[2]))))
"""


def _set_revision(engine: Engine, revision: str) -> None:
    with writing(engine) as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})


def test_an_empty_database_gets_exactly_the_tables_the_code_declares(engine: Engine) -> None:
    with reading(engine) as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing_and_makes_no_copy(engine: Engine, tmp_path: Path) -> None:
    assert migrate(engine) == migrate(engine) == current_revision(engine)
    assert list(tmp_path.glob("*.before-*")) == []


def test_data_of_a_newer_version_is_refused_in_one_clear_line(engine: Engine) -> None:
    _set_revision(engine, "9999_future")
    with pytest.raises(NewerDataError, match=r"9999_future.*start the newer version") as caught:
        migrate(engine)
    way_back = {"sqlite": "kfring.db.before-", "postgresql": "pg_dump"}.pop(engine.dialect.name)
    assert way_back in str(caught.value)
    assert ("kfring.db" in str(caught.value)) == (engine.dialect.name == "sqlite")
    assert "\n" not in str(caught.value)
    assert current_revision(engine) == "9999_future"


def test_processes_that_migrate_at_once_both_end_at_the_same_revision(
    empty_url: str | None, make_engine: Callable[[], Engine], tmp_path: Path
) -> None:
    url = empty_url or f"sqlite:///{tmp_path / engines.SQLITE_FILE}"
    command = [sys.executable, "-W", "error", "-c", MIGRATE, url]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    runs = [
        subprocess.Popen(
            [*command, str(tmp_path / data_folder)],
            cwd=root,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for data_folder in ("a", "b", "c")
    ]
    said = [run.communicate(timeout=60)[0].strip() for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert {*said} == {current_revision(make_engine())}


def test_migrating_waits_for_whoever_migrates_and_gives_up_in_time(
    make_engine: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.storage.migrate.LOCK_WAIT_S", 0.3)
    waiting = make_engine()
    with _locked(make_engine()), pytest.raises(StorageDown):
        migrate(waiting)
    assert current_revision(waiting) is None
    assert migrate(waiting) == current_revision(waiting)


def test_tables_without_a_revision_are_not_touched(engine: Engine) -> None:
    with writing(engine) as conn:
        conn.execute(text("DELETE FROM alembic_version"))
    with pytest.raises(StorageError, match="no revision"):
        migrate(engine)


class TestSqliteFile:
    @pytest.fixture
    def engine(self, tmp_path: Path) -> Engine:
        made = engines.create(None, tmp_path)
        migrate(made)
        return made

    def test_nodes_with_data_folders_of_their_own_wait_for_each_other(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.storage.migrate.LOCK_WAIT_S", 0.3)
        url = f"sqlite:///{tmp_path / 'shared.db'}"
        east, west = (engines.create(url, tmp_path / name) for name in ("east", "west"))
        with _locked(east), pytest.raises(StorageDown, match="another process"):
            migrate(west)
        assert migrate(west) == current_revision(east)

    def test_a_new_file_is_as_if_it_had_gone_through_the_revisions(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        (tmp_path / "old").mkdir()
        old = engines.create(None, tmp_path / "old")
        head = current_revision(engine)
        assert head
        with writing(old) as conn:
            upgrade(conn, SCRIPTS, head)
        assert current_revision(old) == head
        assert _objects(engine) == _objects(old)

    def test_the_file_is_copied_before_an_upgrade(
        self, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with writing(engine) as conn:
            conn.execute(text("INSERT INTO settings_kv VALUES ('colour', 'green')"))
        _add_revision(tmp_path / "scripts", monkeypatch, "op.drop_table('settings_kv')")
        assert migrate(engine) == "0999"
        copy = tmp_path / "kfring.db.before-0999"
        with closing(sqlite3.connect(copy)) as old:
            assert old.execute("SELECT value FROM settings_kv").fetchall() == [("green",)]
        assert copy.stat().st_mode & 0o077 == 0
        engine.dispose()

    def test_a_failing_upgrade_leaves_the_old_schema_whole(
        self, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = current_revision(engine)
        _add_revision(
            tmp_path / "scripts",
            monkeypatch,
            "op.drop_table('settings_kv')\n    op.drop_table('no_such_table')",
        )
        with pytest.raises(StorageError):
            migrate(engine)
        assert current_revision(engine) == before
        with reading(engine) as conn:
            assert conn.execute(text("SELECT count(*) FROM settings_kv")).scalar() == 0
        engine.dispose()

    def test_every_connection_is_durable_and_checks_references(self, engine: Engine) -> None:
        def pragma(name: str) -> object:
            with reading(engine) as conn:
                return conn.exec_driver_sql(f"PRAGMA {name}").scalar()

        assert pragma("journal_mode") == "wal"
        assert pragma("synchronous") == 2
        assert pragma("busy_timeout") == 5000
        assert pragma("foreign_keys") == 1
        engine.dispose()


@pytest.mark.parametrize(
    "url", ["mysql://h/d", "sqlite://", "sqlite:///:memory:", "not a url", "redis://x"]
)
def test_a_url_of_another_kind_is_refused_by_the_name_of_its_setting(
    url: str, tmp_path: Path
) -> None:
    with pytest.raises(StorageError, match="KF_DATABASE_URL"):
        engines.create(url, tmp_path)


def test_an_unreachable_server_is_told_without_its_password(tmp_path: Path) -> None:
    engine = engines.create(f"postgresql://kf:hushhush@/kf?host={tmp_path}", tmp_path)
    with pytest.raises(StorageDown) as caught, reading(engine):
        pass
    assert "hushhush" not in repr(caught.value)
    assert caught.value.__cause__ is None


def _objects(engine: Engine) -> dict[str, list[str]]:
    """Tables, indices and triggers, each with the parts of its definition in no order."""
    with reading(engine) as conn:
        rows = conn.execute(text("SELECT name, coalesce(sql, '') FROM sqlite_master"))
        return {name: _parts(sql) for name, sql in rows}


def _parts(definition: str) -> list[str]:
    plain = " ".join(definition.split()).removesuffix(")")
    return sorted(part.strip() for part in plain.split(","))


def _add_revision(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """The project's migrations with one more on top of them."""
    folder.mkdir()
    real = Path(engines.__file__).parent / "migrations"
    for source in [real / "env.py", real / "script.py.mako", *(real / "versions").glob("*.py")]:
        target = folder / source.relative_to(real)
        target.parent.mkdir(exist_ok=True)
        target.write_text(source.read_text())
    head = sorted((folder / "versions").glob("*.py"))[-1].name.split("_")[0]
    (folder / "versions" / "0999_more.py").write_text(
        "from alembic import op\n"
        f"revision = '0999'\ndown_revision = '{head}'\nbranch_labels = depends_on = None\n"
        f"def upgrade():\n    {body}\n"
    )
    monkeypatch.setattr("app.storage.migrate.SCRIPTS", folder)


def test_supervisors_from_before_accounts_were_named_keep_what_they_could_do(
    make_engine: Callable[[], Engine],
) -> None:
    engine = make_engine()
    with writing(engine) as conn:
        upgrade(conn, SCRIPTS, "0002")
    person = (
        "INSERT INTO people (username, display_name, role, password_hash, appid, kf_account, disabled, "
        "created_ms, password_changed_ms) VALUES (:n, :n, :r, 'h', :a, :k, false, 1, 1)"
    )
    with writing(engine) as conn:
        for appid in ("wxb", "wxa"):
            conn.execute(
                text(
                    "INSERT INTO groups (appid, name, title, settings, updated_ms) "
                    "VALUES (:a, 'g', 'g', '{}', 1), (:a, 'h', 'h', '{}', 1)"
                ),
                {"a": appid},
            )
        conn.execute(
            text(
                "INSERT INTO kf_accounts (appid, kf_account, nickname, platform, platform_note, kf_id, "
                "avatar, max_sessions, disabled, created_ms, updated_ms) "
                "VALUES ('wxb', 'k@b', 'k', 'local', '', '', '', 5, false, 1, 1)"
            )
        )
        for name, role, appid, kf_account in (
            ("lead", "supervisor", None, None),
            ("serves", "supervisor", "wxb", "k@b"),
            ("boss", "admin", None, None),
            ("idle", "agent", None, None),
        ):
            conn.execute(text(person), {"n": name, "r": role, "a": appid, "k": kf_account})
    migrate(engine)
    with reading(engine) as conn:
        leads = {one.username: one.leads for one in everyone(conn)}
    assert leads == {"lead": ["wxa", "wxb"], "serves": [], "boss": [], "idle": []}
