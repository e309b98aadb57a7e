"""``flask kf check``: compare every counter with the conversations, also while nodes serve."""

from __future__ import annotations

import click

from app.account import PRIORITY_CREDIT_MS, deadlines_of
from app.commands.stores import installed_accounts, redis_address
from app.node.context import StartError
from config.settings import Settings
from sessions.model import SessionError
from sessions.store.clients import store_client
from sessions.store.layout import check_layout
from sessions.store.scripts import Scripts
from sessions.upkeep.invariants import Finding, Invariants

SHOWN_MAX = 50


def run(settings: Settings, *, repair: bool) -> int:
    """Print what disagrees, and repair it on demand.

    Returns the number of places that still disagree. Raises ClickException.
    """
    try:
        with redis_address(settings) as (url, _):
            scripts = Scripts(store_client(url, 4))
            try:
                check_layout(scripts.client)
                accounts = installed_accounts(settings)
                return sum(_account(scripts, settings, a.appid, repair) for a in accounts)
            finally:
                scripts.client.close()
    except (StartError, SessionError) as error:
        raise click.ClickException(str(error)) from None


def _account(scripts: Scripts, settings: Settings, appid: str, repair: bool) -> int:
    check = Invariants(scripts, appid, deadlines_of(settings), PRIORITY_CREDIT_MS)
    findings = check.problems()
    _show(appid, findings)
    if not findings or not repair:
        return len(findings)
    click.echo(f"{appid}: {check.repair(findings)} repaired")
    left = check.problems()
    _show(appid, left)
    return len(left)


def _show(appid: str, findings: list[Finding]) -> None:
    if not findings:
        click.echo(
            f"✓ {appid}: seats, groups, queues, timers and pointers agree with the conversations"
        )
        return
    click.echo(f"✗ {appid}: {len(findings)} places disagree")
    for finding in findings[:SHOWN_MAX]:
        click.echo(f"    {finding.what}: {finding.session_id}")
