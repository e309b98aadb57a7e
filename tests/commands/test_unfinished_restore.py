"""A restore that is killed at any step: no node starts on a part, and the same archive is restored again."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import redis
import sqlalchemy as sa

from app.commands import backup as cli_backup
from app.commands import check as cli_check
from app.commands.stores import existing_database
from app.storage import engine as engines
from app.storage import unfinished
from app.storage.schema import metadata
from app.storage.sql import reading, writing
from app.storage.unfinished import UnfinishedRestore
from config.settings import Settings, load_settings
from sessions.store.layout import HalfRestored, check_layout
from tests.conftest import need
from tests.databases import database_settings
from tests.e2e.world import ROOT, Credentials, Node, Platform
from tests.servers import PrivateRedis, redis_missing
from tests.upgrade import landed
from tests.upgrade.make_landed_data import PATIENT

ARCHIVE = landed.folders()[-1] / "backup.tgz"
CREDENTIALS = Credentials(**landed.made(ARCHIVE.parent)["credentials"])
KILLED = """
import importlib, os, signal, sys
module, name, calls, archive = sys.argv[1:]
module, left = importlib.import_module(module), int(calls)
real = getattr(module, name)
def dies(*args, **more):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **more)
setattr(module, name, dies)
from pathlib import Path
from app.commands import backup as cli_backup
from config.settings import load_settings
cli_backup.restore(load_settings(), Path(archive))
"""
STEPS = {
    "before Redis is marked": ("app.storage.backup", "mark_restore", 1),
    "in the middle of the database": ("app.storage.backup", "_fill", 9),
    "before an older database is upgraded": ("app.storage.backup", "finish", 1),
    "before the first record of Redis": ("app.storage.backup", "restore_account", 1),
    "in the middle of Redis": ("sessions.upkeep.dump", "_write", 20),
    "before the counters are made to agree": ("app.commands.backup", "Invariants", 1),
    "before Redis is settled": ("app.storage.backup", "mark_restore", 2),
    "before the database loses its mark": ("app.storage.unfinished", "unmark", 1),
    "before Redis loses its mark": ("app.storage.backup", "mark_restore", 3),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRedis]:
    need(redis_missing())
    made = PrivateRedis(tmp_path_factory.mktemp("redis"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def platform() -> Iterator[Platform]:
    made = Platform(CREDENTIALS)
    yield made
    made.stop()


@pytest.fixture
def empty_redis(store: PrivateRedis) -> redis.Redis:
    client = redis.Redis.from_url(store.url, decode_responses=True)
    client.flushall()
    return client


@pytest.fixture
def node(
    empty_url: str | None,
    tmp_path: Path,
    store: PrivateRedis,
    empty_redis: redis.Redis,
    platform: Platform,
) -> Iterator[Node]:
    """Not started; its stores are empty."""
    more = PATIENT | {"KF_REDIS_URL": store.url} | database_settings(empty_url)
    made = Node(tmp_path, CREDENTIALS, platform, **more)
    yield made
    made.stop()


def settings_of(node: Node) -> Settings:
    return load_settings(node.env, env_file=None)


def killed(node: Node, step: str) -> None:
    """`kf restore`, which dies at the step by kill -9."""
    module, name, calls = STEPS[step]
    command = [sys.executable, "-c", KILLED, module, name, str(calls), str(ARCHIVE)]
    done = subprocess.run(command, cwd=ROOT, env=node.env, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]


def contents(settings: Settings, client: redis.Redis) -> dict[str, Any]:
    """All rows and all keys."""
    engine = engines.create(
        settings.database_url and settings.database_url.get_secret_value(), settings.data_dir
    )
    with reading(engine) as conn:
        found: dict[str, Any] = {
            table.name: sorted(map(str, conn.execute(sa.select(table))))
            for table in metadata.sorted_tables
        }
    engine.dispose()
    return found | {key: client.dump(key) for key in client.scan_iter("kf:*")}


def is_refused(action: Callable[[], object], kind: type[Exception]) -> bool:
    with pytest.raises(kind, match=r"restore .*again") as caught:
        action()
    return "\n" not in str(caught.value)


@pytest.mark.parametrize("step", STEPS)
def test_a_restore_killed_at_any_step_is_refused_by_all_and_done_again(
    node: Node, empty_redis: redis.Redis, step: str
) -> None:
    settings = settings_of(node)
    killed(node, step)
    marked = [bool(unfinished_in(settings)), bool(empty_redis.get("kf:restore"))]
    assert any(marked)
    if marked[0]:
        assert is_refused(lambda: existing_database(settings).__enter__(), UnfinishedRestore)
    if marked[1]:
        assert is_refused(lambda: check_layout(empty_redis), HalfRestored)
        assert is_refused(lambda: cli_check.run(settings, repair=True), click.ClickException)
    assert is_refused(
        lambda: cli_backup.write(settings, node.folder / "b.tgz"), click.ClickException
    )

    assert cli_backup.restore(settings, ARCHIVE) == [CREDENTIALS.appid]
    again = contents(settings, empty_redis)
    assert cli_check.run(settings, repair=False) == 0
    assert len(again["sessions_archive"]) == 3 and len(again["people"]) == 4
    assert {key.split(":")[2] for key in again if key.startswith("kf:{")} >= {"s", "m", "live"}
    with existing_database(settings):
        check_layout(empty_redis)


def unfinished_in(settings: Settings) -> str | None:
    engine = engines.create(
        settings.database_url and settings.database_url.get_secret_value(), settings.data_dir
    )
    with reading(engine) as conn:
        found = unfinished.values.get(conn, unfinished.KEY)
    engine.dispose()
    return found


@pytest.mark.parametrize("node", ["sqlite"], indirect=True)
@pytest.mark.parametrize("step", ["in the middle of Redis", "before Redis loses its mark"])
def test_a_node_does_not_start_on_a_part_and_says_in_one_line_what_to_do(
    node: Node, step: str
) -> None:
    killed(node, step)
    done = subprocess.run(
        [sys.executable, "wsgi.py", "serve"],
        cwd=ROOT,
        env=node.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if "restore" in line]
    assert "run kf restore with the same archive again" in line
    assert "Traceback" not in done.stderr

    cli_backup.restore(settings_of(node), ARCHIVE)
    node.start()


@pytest.mark.parametrize("node", ["sqlite"], indirect=True)
def test_another_archive_does_not_go_on_with_an_unfinished_restore(
    node: Node, empty_redis: redis.Redis, tmp_path: Path
) -> None:
    killed(node, "in the middle of Redis")
    other = tmp_path / "other.tgz"
    other.write_bytes(ARCHIVE.read_bytes() + b"\0")
    before = contents(settings_of(node), empty_redis)
    with pytest.raises(click.ClickException, match="another archive"):
        cli_backup.restore(settings_of(node), other)
    assert contents(settings_of(node), empty_redis) == before


def test_data_in_a_redis_without_a_mark_is_never_removed(
    node: Node, empty_redis: redis.Redis
) -> None:
    killed(node, "before Redis is marked")
    key = f"kf:{{{CREDENTIALS.appid}}}:live"
    empty_redis.zadd(key, {"somebody": 1})
    with pytest.raises(click.ClickException, match="Redis holds data"):
        cli_backup.restore(settings_of(node), ARCHIVE)
    assert empty_redis.zcard(key) == 1


def test_groups_that_help_each_other_out_are_restored_in_any_order(
    node: Node, empty_redis: redis.Redis, tmp_path: Path
) -> None:
    settings, file = settings_of(node), tmp_path / "groups.tgz"
    cli_backup.restore(settings, ARCHIVE)
    with existing_database(settings) as engine, writing(engine) as conn:
        conn.execute(sa.text("UPDATE groups SET fallback = 'night' WHERE name <> 'night'"))
    before = contents(settings, empty_redis)["groups"]
    cli_backup.write(settings, file)
    with existing_database(settings) as engine:
        metadata.drop_all(engine)
        with writing(engine) as conn:
            conn.execute(sa.text("DROP TABLE alembic_version"))
            if conn.dialect.name == "postgresql":
                conn.execute(sa.text("DROP FUNCTION audit_is_append_only"))
    empty_redis.flushall()
    cli_backup.restore(settings, file)
    assert contents(settings, empty_redis)["groups"] == before
