"""Fixtures for tests that hold on both databases: each runs once on SQLite and once on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.storage import engine as engines
from app.storage.migrate import migrate
from tests.postgres import Databases, PrivatePostgres, postgres_missing
from tests.support import need

BOTH = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """A PostgreSQL of this test process."""
    need(postgres_missing())
    server = PrivatePostgres()
    server.start()
    yield Databases(server)
    server.remove()


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str | None]:
    """A migrated database of its own for each test; None = SQLite in the data folder ``tmp_path``."""
    if request.param == "postgresql":
        with request.getfixturevalue("databases").migrated() as url:
            yield url
    else:
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / engines.SQLITE_FILE)
        yield None


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to be copied."""
    folder = tmp_path_factory.mktemp("sqlite")
    engine = engines.create(None, folder)
    migrate(engine)
    engine.dispose()
    return folder / engines.SQLITE_FILE


@pytest.fixture
def engine(database_url: str | None, tmp_path: Path) -> Iterator[Engine]:
    """An engine on ``database_url``."""
    made = engines.create(database_url, tmp_path)
    yield made
    made.dispose()


def database_settings(url: str | None) -> dict[str, str]:
    """The settings of a node on such a database."""
    return {"KF_DATABASE_URL": url} if url else {}


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """A database of its own without any table; None = SQLite in the data folder."""
    if request.param == "postgresql":
        with request.getfixturevalue("databases").empty() as url:
            yield url
    else:
        yield None


@pytest.fixture
def make_engine(empty_url: str | None, tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    """Makes engines on ``empty_url``."""
    made: list[Engine] = []

    def make() -> Engine:
        made.append(engines.create(empty_url, tmp_path))
        return made[-1]

    yield make
    for one in made:
        one.dispose()
