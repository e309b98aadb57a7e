"""What every command needs first: the settings, and which official account is meant."""

from __future__ import annotations

import click

from app.node import logs
from app.node.generated import DEMO_FILE, keep_demo
from config.accounts import OfficialAccount
from config.settings import Settings, SettingsError, load_settings


def command_settings() -> Settings:
    """Raises ClickException with a line for each setting that cannot be used."""
    try:
        settings = load_settings()
    except SettingsError as error:
        raise click.ClickException("\n".join(f"setting {line}" for line in error.lines)) from None
    logs.configure("error")
    return settings


def chosen_account(settings: Settings, appid: str | None) -> OfficialAccount:
    """The named official account, or the only one; the demo's where none is set."""
    accounts = settings.accounts
    if settings.demo and (settings.data_dir / DEMO_FILE).exists():
        accounts = (keep_demo(settings.data_dir).account,)
    found = [account for account in accounts if appid in (None, account.appid)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(account.appid for account in accounts) or "none is set"
    raise click.ClickException(f"name one official account by --appid: {names}")
