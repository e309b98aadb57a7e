"""A private PostgreSQL and a private PgBouncer: started, stopped, frozen; a database for each test."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from app.storage import engine as engines
from app.storage.migrate import migrate
from tests.servers import _Server

DEBIAN = Path("/usr/lib/postgresql")
OWNER = "postgres"  # PostgreSQL and PgBouncer refuse to run as root
USER, PASSWORD = "kf", "a-password-of-the-tests"
SHARED_MEMORY = Path("/dev/shm")
ROOM_BYTES = 1 << 30
TEMPLATE = "kfring_template"
SHAPE = """
SELECT md5(string_agg(part, ',' ORDER BY part)) FROM (
    SELECT concat_ws(' ', attrelid::regclass, attname, atttypid, attnotnull) FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger
        WHERE NOT tgisinternal
    UNION ALL SELECT concat_ws(' ', conname, contype) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT version_num FROM alembic_version
) AS parts (part)
"""
QUICK = {  # nothing here must survive the machine
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "min_wal_size": "4MB",
    "max_wal_size": "64MB",
    "shared_buffers": "16MB",
    "max_connections": "80",
}


def postgres_missing() -> str:
    """Return why no private PostgreSQL can run here, "" if one can."""
    return "" if _bin() else "the postgresql package is not installed, and initdb is not on PATH"


def pgbouncer_missing() -> str:
    """Return why no private PgBouncer can run here, "" if one can."""
    return "" if _pgbouncer() else "pgbouncer is not installed"


class _DatabaseServer(_Server):
    """A server in a folder that its own user can reach, which pytest's are not."""

    def __init__(self) -> None:
        super().__init__(Path(tempfile.mkdtemp(prefix="kfpg", dir=_roomy())))
        if identity := self.identity():
            os.chown(self.folder, identity["user"], identity["group"])

    def identity(self) -> dict[str, Any]:
        if os.geteuid() != 0:
            return {}
        owner = pwd.getpwnam(OWNER)
        return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}

    def remove(self) -> None:
        """Stop it and delete its data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class PrivatePostgres(_DatabaseServer):
    """Nobody needs a password on its unix socket, everybody does on its loopback port."""

    def start(self) -> None:
        if not (self.folder / "data").exists():
            self._initialise()
        super().start()

    def stop(self) -> None:
        """End it as an operator does: without waiting for its clients."""
        self.thaw()
        self._end(signal.SIGINT)

    def freeze(self) -> None:
        """Let it hang with all its processes, the first one first so that no new ones come."""
        super().freeze()
        self._signal_children(signal.SIGSTOP)

    def thaw(self) -> None:
        if self.alive():
            self._signal_children(signal.SIGCONT)
            super().thaw()

    def command(self) -> list[str]:
        values = {
            **QUICK,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
            "port": str(self.port),
        }
        options = [part for item in values.items() for part in ("-c", "=".join(item))]
        return [program("postgres"), "-D", str(self.folder / "data"), *options]

    def ready(self) -> bool:
        try:
            with self.connect():
                return True
        except psycopg.OperationalError:
            return False

    def url(self, database: str = OWNER) -> str:
        """By the unix socket."""
        return f"postgresql://{USER}@/{database}?host={self.folder}&port={self.port}"

    def tcp_url(self, database: str = OWNER, user: str = USER, password: str = PASSWORD) -> str:
        return f"postgresql://{user}:{password}@{self.address}/{database}"

    def connect(self, database: str = OWNER) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=2)

    def _initialise(self) -> None:
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        command = [program("initdb"), "-D", str(self.folder / "data"), "-U", USER]
        command += ["-E", "UTF8", "--no-locale", "-N", "--wal-segsize=1", f"--pwfile={secret}"]
        command += ["--auth-local=trust", "--auth-host=scram-sha-256"]
        identity = self.identity()
        if identity:
            os.chown(secret, identity["user"], identity["group"])
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, **identity)

    def _signal_children(self, number: signal.Signals) -> None:
        children = subprocess.run(
            ["pgrep", "-P", str(self.pid)], capture_output=True, text=True, check=False
        )
        for pid in children.stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), number)


class PrivateBouncer(_DatabaseServer):
    """PgBouncer in transaction mode with few server connections, soon there again after its server."""

    def __init__(self, behind: PrivatePostgres) -> None:
        super().__init__()
        self._behind = behind

    def command(self) -> list[str]:
        users = self.folder / "users.txt"
        users.write_text(f'"{USER}" "{PASSWORD}"\n')
        config = self.folder / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n* = host={self._behind.folder} port={self._behind.port}\n"
            "[pgbouncer]\npool_mode = transaction\ndefault_pool_size = 3\nserver_login_retry = 1\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = plain\nauth_file = {users}\nadmin_users = {USER}\n"
        )
        return [_pgbouncer(), str(config)]

    def ready(self) -> bool:
        try:
            with psycopg.connect(self.url("pgbouncer"), autocommit=True, connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def url(self, database: str) -> str:
        return f"postgresql://{USER}:{PASSWORD}@{self.address}/{database}"


class Databases:
    """Databases of one server, each under a name that no other test sees.

    To make one takes PostgreSQL longer than most tests last. A migrated one is emptied after its test
    and used again under another name, so that what still writes from an earlier test meets an error.
    """

    def __init__(self, server: PrivatePostgres) -> None:
        self.server = server
        self._numbers = itertools.count(1)
        self._clean: list[str] = []
        self._shape = ""  # of the template, once it is there

    @contextlib.contextmanager
    def empty(self) -> Iterator[str]:
        """Yield the URL of a database without any table."""
        name = self._new("template0")
        yield self.server.url(name)
        self._drop(name)

    @contextlib.contextmanager
    def migrated(self) -> Iterator[str]:
        """Yield the URL of a database with this program's tables, empty of rows."""
        name = self._again() or self._new(self._template())
        yield self.server.url(name)
        if self._emptied(name):
            self._clean.append(name)
        else:
            self._drop(name)

    def _new(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        self._run("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template)
        return name

    def _again(self) -> str:
        if not self._clean:
            return ""
        old, name = self._clean.pop(), f"test_{next(self._numbers)}"
        self._run("ALTER DATABASE {} RENAME TO {}", old, name)
        return name

    def _template(self) -> str:
        if not self._shape:
            self._run("CREATE DATABASE {}", TEMPLATE)
            engine = engines.create(self.server.url(TEMPLATE), self.server.folder)
            migrate(engine)
            engine.dispose()
            with self.server.connect(TEMPLATE) as conn:
                self._shape = _shape(conn)
        return TEMPLATE

    def _drop(self, name: str) -> None:
        self._run("DROP DATABASE {} WITH (FORCE)", name)

    def _emptied(self, name: str) -> bool:
        """Remove every row; False where a test changed the tables themselves."""
        with self.server.connect(name) as conn:
            if _shape(conn) != self._shape:
                return False
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            conn.execute("SET session_replication_role = replica")  # no triggers, no references
            tables = conn.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                " AND tablename <> 'alembic_version'"
            ).fetchall()
            emptied = [sql.SQL("DELETE FROM {}").format(sql.Identifier(row[0])) for row in tables]
            conn.execute(sql.SQL(";").join(emptied))
            conn.execute(
                "SELECT setval(format('%I', sequencename)::regclass, 1, false) FROM pg_sequences"
                " WHERE schemaname = 'public' AND last_value IS NOT NULL"
            )
        return True

    def _run(self, statement: str, *names: str) -> None:
        with self.server.connect() as conn:
            conn.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _shape(conn: psycopg.Connection[Any]) -> str:
    """Return one word for the tables, their columns, triggers and constraints, and the revision."""
    row = conn.execute(SHAPE).fetchone()
    return str(row[0]) if row else ""


def _bin() -> Path | None:
    """Return the folder of initdb and postgres, Debian's newest first; None where there is none."""
    debian = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda p: float(p.parts[-3]))
    on_path = shutil.which("initdb")
    found = debian[-1] if debian else Path(on_path).resolve() if on_path else None
    return found.parent if found else None


def program(name: str) -> str:
    folder = _bin()
    assert folder is not None, postgres_missing()
    return str(folder / name)


def _pgbouncer() -> str:
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""


def _roomy() -> str:
    """Return a folder in memory where there is room: a cluster is a thousand small files."""
    if SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > ROOM_BYTES:
        return str(SHARED_MEMORY)
    return "/tmp"
