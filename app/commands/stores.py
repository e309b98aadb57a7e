"""What a command needs first: settings, official accounts and the stores, whether or not a node runs.

A command never starts the server's threads. It uses the embedded store of a running node through its
socket. Where no node runs, it starts the store for its own time, under the data folder's lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from app.auth.secret_key import agreed
from app.node import logs
from app.node.context import StartError
from app.node.data_lock import DataLock
from app.node.embedded_store import EmbeddedServer, running_url
from app.node.generated import DEMO_FILE, keep_demo, keep_secrets
from app.storage import engine as sql_engine
from app.storage.engine import Database
from app.storage.unfinished import refuse_unfinished
from config.accounts import OfficialAccount
from config.settings import Settings, SettingsError, load_settings
from sessions.store.clients import Redis


def command_settings() -> Settings:
    """Return the settings. Raises ClickException with a line for each one that cannot be used."""
    try:
        settings = load_settings()
    except SettingsError as error:
        raise click.ClickException("\n".join(f"setting {line}" for line in error.lines)) from None
    logs.configure("error")
    return settings


def installed_accounts(settings: Settings) -> tuple[OfficialAccount, ...]:
    """Return the official accounts of this installation. Those of a demo are in its data folder."""
    if settings.demo and (settings.data_dir / DEMO_FILE).exists():
        return (keep_demo(settings.data_dir).account,)
    return settings.accounts


def chosen_account(settings: Settings, appid: str | None) -> OfficialAccount:
    """Return the named official account, or the only one. Raises ClickException."""
    accounts = installed_accounts(settings)
    found = [account for account in accounts if appid in (None, account.appid)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(account.appid for account in accounts) or "none is set"
    raise click.ClickException(f"name one official account by --appid: {names}")


@contextmanager
def redis_address(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the store's URL, and how the embedded store was reached ("" for another store).

    Raises StartError.
    """
    if settings.redis_url is not None:
        yield settings.redis_url.get_secret_value(), ""
        return
    running = running_url(settings.data_dir)
    if running is not None:
        yield running, "the embedded store of the running node"
        return
    lock = DataLock.acquire(settings.data_dir)
    server = EmbeddedServer(settings.data_dir, lock.descriptor)
    try:
        server.start()
        yield server.url, "the embedded store, started for this command"
    finally:
        server.stop()
        os.close(lock.descriptor)


@contextmanager
def existing_database(settings: Settings) -> Iterator[Database]:
    """Yield the database that a node made, without an unfinished restore. Raises StartError, StorageError."""
    file = settings.data_dir / sql_engine.SQLITE_FILE
    if settings.database_url is None and not file.exists():
        raise StartError(f"there is no database in {settings.data_dir}; see KF_DATA_DIR")
    database = sql_engine.create(settings.sqlalchemy_url.get_secret_value(), settings.data_dir)
    try:
        refuse_unfinished(database)
        yield database
    finally:
        database.dispose()


def secret_key(settings: Settings, client: Redis) -> str:
    """Return the key that all nodes share. Raises StartError, StoreDown, StoreRefused."""
    own = keep_secrets(settings.data_dir).secret_key
    return agreed(client, settings.secret_key, own).get_secret_value()
