"""``flask kf backup FILE`` and ``flask kf restore FILE``."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from app.account import PRIORITY_CREDIT_MS, deadlines_of
from app.commands.stores import installed_accounts, redis_address
from app.node.context import StartError
from app.storage import backup
from app.storage import engine as sql_engine
from app.storage.migrate import migrate
from app.storage.sql import Engine, StorageError
from app.storage.unfinished import refuse_unfinished
from config.settings import Settings
from sessions.model import SessionError
from sessions.store.clients import Redis, store_client
from sessions.store.layout import check_layout, check_version
from sessions.store.scripts import Scripts
from sessions.upkeep.invariants import Invariants


def write(settings: Settings, file: Path) -> int:
    """Write all stored data into FILE, whether or not a node runs. Returns the number of records."""
    with _stores(settings) as (engine, client, revision):
        check_layout(client)
        refuse_unfinished(engine)
        appids = [account.appid for account in installed_accounts(settings)]
        return backup.write(file, engine, client, appids, revision)


def restore(settings: Settings, file: Path) -> list[str]:
    """Restore FILE into empty stores and repair all counters. No node may run. Returns the accounts."""
    with _stores(settings) as (engine, client, revision):
        scripts = Scripts(client)

        def settle(appid: str) -> None:
            check = Invariants(scripts, appid, deadlines_of(settings), PRIORITY_CREDIT_MS)
            check.repair(check.problems())

        check_version(client)
        return backup.restore(file, engine, client, revision, settle)


@contextmanager
def _stores(settings: Settings) -> Iterator[tuple[Engine, Redis, str]]:
    """Yield the migrated database, Redis, and the revision. Raises ClickException."""
    try:
        with redis_address(settings) as (url, _):
            client = store_client(url, 4)
            settings.data_dir.mkdir(parents=True, exist_ok=True)
            engine = sql_engine.create(
                settings.sqlalchemy_url.get_secret_value(), settings.data_dir
            )
            try:
                yield engine, client, migrate(engine)
            finally:
                engine.dispose()
                client.close()
    except (StartError, StorageError, SessionError) as error:
        raise click.ClickException(str(error)) from None
    except (OSError, tarfile.TarError, ValueError, KeyError) as error:
        raise click.ClickException(f"the archive cannot be used: {type(error).__name__}") from None
