"""``flask kf …``: commands for operators, whether or not a node runs."""

from __future__ import annotations

import time
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from app.auth.logins import Logins
from app.auth.password_rules import WeakPassword
from app.auth.passwords import Passwords
from app.commands import backup as cli_backup
from app.commands import check as cli_check
from app.commands.config import config
from app.commands.doctor import report
from app.commands.forget import forgotten
from app.commands.stores import command_settings, existing_database, redis_address, secret_key
from app.directory.people import PeopleDirectory
from app.node.context import StartError
from app.refusals import Refusal
from app.storage import people
from app.storage.audit import Actor
from app.storage.engine import Database
from app.storage.sql import StorageError, reading
from config.settings import Settings
from sessions.model import SessionError
from sessions.store.clients import store_client

kf = AppGroup("kf", help="kfring: connect, check and repair.")
kf.add_command(config)


def create_app() -> Flask:
    """Return the application of ``flask``'s command line. It serves nothing and starts nothing."""
    app = Flask("kfring", static_folder=None)
    app.cli.add_command(kf)
    return app


@kf.command("doctor", with_appcontext=False)
def doctor() -> None:
    """Check what this node needs to serve the official account; exit 1 on any ✗."""
    failed = 0
    for finding in report.examine(command_settings()):
        failed += not finding.ok
        for line in finding.lines():
            click.echo(line)
    click.echo("All is well." if not failed else f"{failed} to correct, from the top.")
    if failed:
        raise SystemExit(1)


@kf.command("reset-password", with_appcontext=False)
@click.argument("username")
@click.option("--generate", is_flag=True, help="Generate a password instead of asking for one.")
def reset_password(username: str, generate: bool) -> None:
    """Set a new password for USERNAME, who is signed out everywhere."""
    settings = command_settings()
    password = "" if generate else _asked_password()
    try:
        made = _reset(settings, username, password)
    except (StartError, StorageError, SessionError, WeakPassword) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{username} has a new password and is signed out everywhere.")
    if made is not None:
        click.echo(f"  {made}")
        click.echo("It is shown only this once.")


@kf.command("check", with_appcontext=False)
@click.option("--repair", is_flag=True, help="Repair what disagrees.")
def check(repair: bool) -> None:
    """Compare seats, queues, timers and pointers with the conversations; exit 1 if any disagrees."""
    if cli_check.run(command_settings(), repair=repair):
        raise SystemExit(1)


@kf.command("backup", with_appcontext=False)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def write_backup(file: Path) -> None:
    """Write all conversations, people and records into FILE; the server may run."""
    click.echo(f"{cli_backup.write(command_settings(), file)} records in {file}")


@kf.command("restore", with_appcontext=False)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore_backup(file: Path) -> None:
    """Restore FILE into an empty system; stop the server first."""
    accounts = cli_backup.restore(command_settings(), file)
    click.echo(f"restored {', '.join(accounts)}; everybody signs in again")


@kf.command("forget", with_appcontext=False)
@click.argument("openid")
@click.option("--reason", required=True, help="The reason, which is audited.")
@click.option("--appid", help="Which official account, where there are several.")
@click.confirmation_option(prompt="Everything stored of this customer is removed. Continue?")
def forget(openid: str, reason: str, appid: str | None) -> None:
    """Remove everything that is stored of the customer OPENID."""
    settings = command_settings()
    try:
        done = forgotten(settings, openid, reason, appid)
    except (StartError, StorageError, SessionError, Refusal) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Removed; the audit log knows the customer as {done.pseudonym}.")
    if done.closed:
        click.echo(f"  conversation {done.closed} was open and is closed")
    for where, counts in (("database", done.sql), ("Redis", done.redis)):
        for name, count in sorted(counts.items()):
            click.echo(f"  {where:<8}  {name:<18} {count}")
    if not done.files_clean:
        click.echo("The database's log is in use; its next checkpoint removes the rest.")
    if not done.log_rewritten:
        click.echo(
            "Redis' append-only file holds it until Redis has rewritten the file (BGREWRITEAOF)."
        )


def _asked_password() -> str:
    """Return the typed password, "" to generate one."""
    return str(
        click.prompt(
            "New password (empty: one is made)",
            default="",
            show_default=False,
            hide_input=True,
            confirmation_prompt=True,
        )
    )


def _reset(settings: Settings, username: str, password: str) -> str | None:
    """Set the password. Returns it if it was generated."""
    with existing_database(settings) as database, redis_address(settings) as (url, _):
        client = store_client(url, 2)
        try:
            logins = Logins(client, secret_key(settings, client).encode())
            directory = PeopleDirectory(database, Passwords(), logins)
            actor = Actor("command line", "system", int(time.time() * 1000))
            ident = _person(database, username)
            return directory.reset_password(actor, ident, password).generated_password
        finally:
            client.close()


def _person(database: Database, username: str) -> int:
    with reading(database) as conn:
        person = people.by_sign_in_name(conn, username)
    if person is None:
        raise StartError(f"there is no person {username}")
    return person.id
