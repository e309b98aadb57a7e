"""``flask kf config export|import``: groups, rules and notices as one file."""

from __future__ import annotations

import json
import time
import tomllib
from pathlib import Path
from typing import Any

import click
import tomli_w

from app.commands.config_document import BadConfig, exported, imported
from app.commands.stores import chosen_account, command_settings, existing_database
from app.node.context import StartError
from app.storage.audit import Actor
from app.storage.errors import Invalid, Missing, Taken
from app.storage.sql import StorageError
from config.text_files import BadTextFile, read_text

FILE_MAX_BYTES = 4 * 1024 * 1024


@click.group("config", help="Groups, rules and notices as one file.")
def config() -> None:
    """The group of both commands."""


@config.command("export")
@click.option("--appid", help="Which official account, where there are several.")
@click.option("--output", type=click.Path(path_type=Path), help="A .toml or .json file.")
@click.option("--format", "form", type=click.Choice(["toml", "json"]), help="toml if not named.")
def export_config(appid: str | None, output: Path | None, form: str | None) -> None:
    """Write the live configuration to OUTPUT, or print it."""
    settings = command_settings()
    account = chosen_account(settings, appid)
    try:
        with existing_database(settings) as database:
            document = exported(database, account.appid, settings.timezone)
    except (StartError, StorageError) as error:
        raise click.ClickException(str(error)) from None
    text = _written(document, form or (output.suffix[1:] if output else "toml"))
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from None


@config.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--appid", help="Which official account, where there are several.")
def import_config(file: Path, appid: str | None) -> None:
    """Apply FILE; running nodes follow within seconds. What it does not name stays."""
    settings = command_settings()
    account = chosen_account(settings, appid)
    document = _read(file)
    actor = Actor("command line", "system", int(time.time() * 1000))
    try:
        with existing_database(settings) as database:
            imported(database, actor, account, document, settings.timezone)
    except StartError as error:
        raise click.ClickException(str(error)) from None
    except (BadConfig, Invalid, Missing, Taken, StorageError) as error:
        raise click.ClickException(f"nothing was changed:\n{error}") from None
    click.echo(f"{file} is in force; running nodes follow within seconds.")


def _read(file: Path) -> dict[str, Any]:
    if file.stat().st_size > FILE_MAX_BYTES:
        raise click.ClickException(f"{file} has more than {FILE_MAX_BYTES} bytes")
    try:
        text = read_text(file)
        found = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except BadTextFile as error:
        raise click.ClickException(str(error)) from None
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"{file} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise click.ClickException(f"{file} must hold an object")
    return found


def _written(document: dict[str, Any], form: str) -> str:
    if form == "json":
        return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    return tomli_w.dumps(document, multiline_strings=True)
