from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from app.auth.logins import Logins
from app.auth.passwords import Passwords
from app.commands.cli import create_app
from app.commands.stores import redis_address
from app.directory.people import PeopleDirectory
from app.node.data_lock import DataLock
from app.node.embedded_store import EmbeddedServer
from app.storage import engine as engines
from app.storage import people
from app.storage.migrate import migrate
from app.storage.sql import reading
from config.settings import load_settings
from tests.servers import PrivateRedis

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path, redis_server: PrivateRedis) -> Path:
    """A data folder with the first admin."""
    engine = engines.create(None, tmp_path)
    migrate(engine)
    with Redis.from_url(redis_server.url, decode_responses=True) as client:
        directory = PeopleDirectory(engine, Passwords(), Logins(client, b"k" * 32))
        directory.ensure_first_admin(1, "the-first-password")
    engine.dispose()
    return tmp_path


def admin_hash(folder: Path) -> str:
    engine = engines.create(None, folder)
    with reading(engine) as conn:
        person = people.by_sign_in_name(conn, "admin")
    engine.dispose()
    assert person is not None
    return person.password_hash


def test_a_generated_password_is_shown_once_and_signs_out_everywhere(
    folder: Path, redis_server: PrivateRedis
) -> None:
    variables = {"KF_DATA_DIR": str(folder), "KF_REDIS_URL": redis_server.url}
    with Redis.from_url(redis_server.url, decode_responses=True) as client:
        before = Logins(client, b"k" * 32).epoch(1)
        runner = create_app().test_cli_runner(env=variables)
        result = runner.invoke(args=["kf", "reset-password", "admin", "--generate"])
        assert result.exit_code == 0, result.output
        assert Logins(client, b"k" * 32).epoch(1) != before
    made = result.output.splitlines()[1].strip()
    assert Passwords().verify(admin_hash(folder), made)


def test_a_typed_password_is_asked_twice_and_never_shown(
    folder: Path, redis_server: PrivateRedis
) -> None:
    variables = {"KF_DATA_DIR": str(folder), "KF_REDIS_URL": redis_server.url}
    runner = create_app().test_cli_runner(env=variables)
    typed = "a-typed-password\na-typed-password\n"
    result = runner.invoke(args=["kf", "reset-password", "admin"], input=typed)
    assert result.exit_code == 0, result.output
    assert "a-typed-password" not in result.output
    assert Passwords().verify(admin_hash(folder), "a-typed-password")
    short = runner.invoke(args=["kf", "reset-password", "admin"], input="short\nshort\n")
    assert short.exit_code == 1 and "8 to 256" in short.output


def test_an_unknown_person_and_a_wrong_folder_are_told_in_one_line(
    folder: Path, redis_server: PrivateRedis, tmp_path_factory: pytest.TempPathFactory
) -> None:
    variables = {"KF_DATA_DIR": str(folder), "KF_REDIS_URL": redis_server.url}
    runner = create_app().test_cli_runner(env=variables)
    nobody = runner.invoke(args=["kf", "reset-password", "nobody", "--generate"])
    assert nobody.exit_code == 1 and "no person nobody" in nobody.output
    empty = tmp_path_factory.mktemp("empty")
    wrong = runner.invoke(
        args=["kf", "reset-password", "admin", "--generate"], env={"KF_DATA_DIR": str(empty)}
    )
    assert wrong.exit_code == 1 and "KF_DATA_DIR" in wrong.output
    assert list(empty.iterdir()) == []


def test_a_bad_setting_is_told_in_one_line() -> None:
    runner = create_app().test_cli_runner(env={"KF_IDLE_CLOSE_S": "soon"})
    result = runner.invoke(args=["kf", "doctor"])
    assert result.exit_code == 1 and "KF_IDLE_CLOSE_S" in result.output


def test_the_embedded_store_is_started_for_a_command_and_gone_afterwards(tmp_path: Path) -> None:
    settings = load_settings({"KF_DATA_DIR": str(tmp_path)}, None)
    for _ in range(2):
        with redis_address(settings) as (url, how):
            assert "started for this command" in how
            with Redis.from_url(url, decode_responses=True) as client:
                client.incr("runs")
                seen = client.get("runs")
    assert seen == "2"


def test_a_command_uses_the_store_of_the_node_that_runs(tmp_path: Path) -> None:
    lock = DataLock.acquire(tmp_path)
    server = EmbeddedServer(tmp_path, lock.descriptor)
    server.start()
    try:
        with redis_address(load_settings({"KF_DATA_DIR": str(tmp_path)}, None)) as (url, how):
            assert url == server.url and "running node" in how
        assert server.alive()
    finally:
        server.stop()
        os.close(lock.descriptor)


def test_flask_finds_the_commands_from_the_project_folder(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "KF_DATA_DIR": str(tmp_path)}
    for extra in ([], ["--app", "wsgi"]):
        done = subprocess.run(
            [sys.executable, "-m", "flask", *extra, "kf", "doctor"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 1, done.stdout + done.stderr
        assert "✗ official account: none set" in done.stdout
        assert "Traceback" not in done.stderr
