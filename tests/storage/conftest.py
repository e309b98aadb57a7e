from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, make_url

from app.storage import engine as engines
from app.storage.migrate import migrate
from tests import postgres

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    bin_dir = postgres.find_bin()
    if bin_dir is None:
        pytest.skip(f"NOT TESTED: {postgres.MISSING}")
    with postgres.running(bin_dir) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """An empty database of its own for each test; None means SQLite in the data folder."""
    if request.param == "sqlite":
        return None
    url = request.getfixturevalue("postgres_url")
    name = f"test_{next(_numbers)}"
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}")
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def make_engine(database_url: str | None, tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    made: list[Engine] = []

    def make() -> Engine:
        made.append(engines.create(database_url, tmp_path))
        return made[-1]

    yield make
    for one in made:
        one.dispose()


@pytest.fixture
def engine(make_engine: Callable[[], Engine]) -> Engine:
    """A migrated database."""
    made = make_engine()
    migrate(made)
    return made
