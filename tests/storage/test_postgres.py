"""PostgreSQL as operators have it: behind a pooler, silent, full of reasons to refuse."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, make_url, text

from app.storage import engine as engines
from app.storage import opening, values
from app.storage.migrate import current_revision, migrate
from app.storage.postgres import CONNECT_TIMEOUT_S, PROMPT_S, PatientConnection
from app.storage.records import Closed, Records
from app.storage.sql import StorageDown, StorageError, reading, writing
from tests.postgres import PASSWORD, Databases, PrivateBouncer, PrivatePostgres, pgbouncer_missing
from tests.support import need

MARGIN_S = 4.0  # for a machine that is busy


@pytest.fixture(scope="module")
def bouncer(databases: Databases) -> Iterator[PrivateBouncer]:
    need(pgbouncer_missing())
    made = PrivateBouncer(databases.server)
    made.start()
    yield made
    made.remove()


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """The name of a migrated database."""
    with databases.migrated() as url:
        yield str(make_url(url).database)


@pytest.fixture
def engine(databases: Databases, database: str, tmp_path: Path) -> Iterator[Engine]:
    made = engines.create(databases.server.url(database), tmp_path)
    yield made
    made.dispose()


@pytest.fixture
def pooled(bouncer: PrivateBouncer, database: str, tmp_path: Path) -> Iterator[Engine]:
    """The same database through the pooler."""
    made = engines.create(bouncer.url(database), tmp_path)
    yield made
    made.dispose()


def ask(engine: Engine, question: str) -> object:
    with reading(engine) as conn:
        return conn.execute(text(question)).scalar()


def refusal(url: str, folder: Path) -> str:
    """What the operator reads when the database at ``url`` cannot be used."""
    engine = engines.create(url, folder)
    try:
        with pytest.raises(StorageError) as caught:
            migrate(engine)
    finally:
        engine.dispose()
    assert caught.value.__cause__ is None
    return str(caught.value)


class TestBehindAPooler:
    def test_many_threads_share_three_server_connections(self, pooled: Engine) -> None:
        def work(number: int) -> str | None:
            key = f"key{number % 7}"
            with writing(pooled) as conn:
                values.put(conn, key, str(number))
            with reading(pooled) as conn:
                return values.get(conn, key)

        with ThreadPoolExecutor(12) as threads:
            found = list(threads.map(work, range(300)))
        assert None not in found

    def test_conversations_are_archived_in_batches_and_read_again(self, pooled: Engine) -> None:
        records = Records(pooled)
        for batch in range(8):
            closed = [_closed(f"s{batch}.{number}") for number in range(30)]
            records.archive_all("wx1", closed)
        assert records.session("wx1", "s7.29") == _closed("s7.29").session
        assert len(records.messages("wx1", "s0.0")) == 2

    def test_an_empty_database_is_migrated(
        self, bouncer: PrivateBouncer, databases: Databases, tmp_path: Path
    ) -> None:
        with databases.empty() as url:
            engine = engines.create(bouncer.url(str(make_url(url).database)), tmp_path)
            assert migrate(engine) == migrate(engine) == current_revision(engine)
            engine.dispose()

    def test_a_transaction_has_a_time_out_and_leaves_none_to_the_next_client(
        self, pooled: Engine, bouncer: PrivateBouncer, database: str
    ) -> None:
        assert ask(pooled, "SHOW statement_timeout") == "10s"
        with psycopg.connect(bouncer.url(database), autocommit=True) as other:
            for _ in range(6):
                row = other.execute("SHOW statement_timeout").fetchone()
                assert row == ("0",)

    def test_nothing_is_prepared_on_the_servers_connections(self, pooled: Engine) -> None:
        for _ in range(20):
            ask(pooled, "SELECT 1")
        assert ask(pooled, "SELECT count(*) FROM pg_prepared_statements") == 0

    def test_its_refusal_is_passed_on(
        self, bouncer: PrivateBouncer, database: str, tmp_path: Path
    ) -> None:
        url = bouncer.url(database) + "?options=-c%20geqo%3Doff"
        said = refusal(url, tmp_path)
        assert "unsupported startup parameter" in said
        assert "KF_DATABASE_URL" in said


class TestWithoutAPooler:
    def test_what_is_asked_often_is_prepared(self, engine: Engine) -> None:
        with reading(engine) as conn:
            for _ in range(12):
                conn.execute(text("SELECT 1"))
            prepared = conn.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar()
        assert prepared

    def test_the_operators_own_parameters_count(
        self, databases: Databases, database: str, tmp_path: Path
    ) -> None:
        options = "-c%20search_path%3Dpublic%2Cpg_catalog%20-c%20statement_timeout%3D25s"
        url = f"{databases.server.url(database)}&application_name=ours&options={options}"
        engine = engines.create(url, tmp_path)
        assert ask(engine, "SHOW search_path") == "public,pg_catalog"
        assert ask(engine, "SHOW application_name") == "ours"
        assert ask(engine, "SHOW statement_timeout") == "25s"
        with reading(engine) as conn:
            limit_s = conn.connection.driver_connection.limit_s
        assert limit_s > 25
        engine.dispose()

    def test_a_slow_statement_is_ended_by_the_server_and_named(self, engine: Engine) -> None:
        with pytest.raises(StorageDown, match="took too long"), writing(engine) as conn:
            engines.allow(conn, 0.2)
            conn.execute(text("SELECT pg_sleep(60)"))
        assert ask(engine, "SELECT 1") == 1

    def test_a_long_upgrade_is_not_ended(self, engine: Engine) -> None:
        with writing(engine) as conn:
            engines.allow(conn, None)
            assert conn.execute(text("SHOW statement_timeout")).scalar() == "0"
            assert conn.connection.driver_connection.limit_s is None
        assert ask(engine, "SHOW statement_timeout") == "10s"


class TestSilence:
    """A frozen server: connections stay open, the kernel accepts new ones, nobody answers."""

    @pytest.mark.parametrize("way", ["socket", "port"])
    def test_everybody_who_asks_at_once_has_an_answer_within_seconds(
        self, way: str, databases: Databases, database: str, tmp_path: Path
    ) -> None:
        server = databases.server
        url = server.url(database) if way == "socket" else server.tcp_url(database)
        engine = engines.create(url, tmp_path)
        with ThreadPoolExecutor(6) as threads:
            list(threads.map(lambda _: ask(engine, "SELECT pg_sleep(0.1)"), range(6)))
            server.freeze()
            try:
                began = time.monotonic()
                asked = [threads.submit(ask, engine, "SELECT 1") for _ in range(6)]
                failed = [one.exception(30) for one in asked]
                took = time.monotonic() - began
            finally:
                server.thaw()
        assert [type(error) for error in failed] == [StorageDown] * 6
        assert took < PROMPT_S + CONNECT_TIMEOUT_S + MARGIN_S
        assert ask(engine, "SELECT 1") == 1
        engine.dispose()

    def test_a_transaction_in_the_middle_ends_too(
        self, engine: Engine, databases: Databases, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(PatientConnection, "statement_s", 0.5)
        with pytest.raises(StorageDown, match="no answer within"), writing(engine) as conn:
            values.put(conn, "colour", "green")
            databases.server.freeze()
            try:
                values.put(conn, "colour", "blue")
            finally:
                databases.server.thaw()
        with reading(engine) as conn:
            assert values.get(conn, "colour") is None


class TestReasons:
    @pytest.fixture
    def server(self, databases: Databases) -> PrivatePostgres:
        return databases.server

    def test_a_wrong_password(self, server: PrivatePostgres, database: str, tmp_path: Path) -> None:
        said = refusal(server.tcp_url(database, password="hushhush"), tmp_path)
        assert "password authentication failed" in said
        assert "hushhush" not in said and PASSWORD not in said
        assert said.endswith("see KF_DATABASE_URL") and "\n" not in said

    def test_nobody_at_the_port(self, tmp_path: Path) -> None:
        said = refusal("postgresql://kf:hushhush@127.0.0.1:1/kf", tmp_path)
        assert "Connection refused" in said and "127.0.0.1" in said
        assert "hushhush" not in said and said.endswith("see KF_DATABASE_URL")

    def test_a_name_that_nobody_knows(self, tmp_path: Path) -> None:
        said = refusal("postgresql://kf@no-such-host.invalid/kf", tmp_path)
        assert "no-such-host.invalid" in said and said.endswith("see KF_DATABASE_URL")

    def test_no_such_database(self, server: PrivatePostgres, tmp_path: Path) -> None:
        said = refusal(server.url("no_such_one"), tmp_path)
        assert 'database "no_such_one" does not exist' in said
        assert said.endswith("see KF_DATABASE_URL")

    def test_an_option_that_does_not_exist(self, server: PrivatePostgres, tmp_path: Path) -> None:
        said = refusal(server.url() + "&no_such_option=1", tmp_path)
        assert 'invalid connection option "no_such_option"' in said
        assert said.endswith("see KF_DATABASE_URL")

    def test_no_right_to_create_tables(self, databases: Databases, tmp_path: Path) -> None:
        with databases.empty() as url:
            name = str(make_url(url).database)
            with databases.server.connect() as conn:
                conn.execute(f"CREATE ROLE guest_{name} LOGIN PASSWORD 'hushhush'")
            said = refusal(databases.server.tcp_url(name, f"guest_{name}", "hushhush"), tmp_path)
        assert "a right is missing (SQLSTATE 42501: permission denied for schema public)" in said
        assert said.endswith("see KF_DATABASE_URL") and "hushhush" not in said

    def test_no_row_is_quoted(self, engine: Engine) -> None:
        with pytest.raises(StorageError) as caught, writing(engine) as conn:
            conn.execute(text("INSERT INTO settings_kv VALUES ('k', 'secret words'), ('k', 'x')"))
        assert "23505" in str(caught.value)
        assert "secret" not in repr(caught.value) and "(k" not in repr(caught.value)


class TestStart:
    def test_a_start_waits_for_its_server_with_a_line_a_second(
        self, databases: Databases, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(opening, "RETRY_S", 0.05)
        lines: list[str] = []

        def tell(line: str) -> None:
            lines.append(line)
            if len(lines) == 3:
                databases.server.start()

        databases.server.stop()
        engine = opening.opened(databases.server.url(database), tmp_path, tell, lambda: False)
        assert current_revision(engine)
        engine.dispose()
        assert len(lines) == 3
        assert all("waiting" in line and "KF_DATABASE_URL" in line for line in lines)

    @pytest.mark.parametrize("why", ["time is over", "the node is stopped"])
    def test_a_start_gives_up_in_words(
        self, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(opening, "WAIT_S", 0.0 if why == "time is over" else 60.0)
        url = f"postgresql://kf@/kf?host={tmp_path}"
        with pytest.raises(StorageDown, match="KF_DATABASE_URL"):
            opening.opened(url, tmp_path, lambda _: None, lambda: why == "the node is stopped")


def _closed(ident: str) -> Closed:
    session = {"id": ident, "openid": "o1", "created_ms": 1, "closed_ms": 2, "rev": 1}
    messages = [
        {"id": f"{ident}.{seq}", "seq": seq, "status": "sent", "direction": "in"}
        | {"type": "text", "text": "在吗", "created_ms": 1}
        for seq in (1, 2)
    ]
    return Closed(session, messages)
