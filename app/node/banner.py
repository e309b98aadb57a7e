"""What the launcher tells the person at the terminal once the server answers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from app.node.context import DemoAccount
from app.node.generated import KeptSecrets
from config.settings import Settings
from config.values import folder_of

_RESET = "kf reset-password admin"


def page(
    settings: Settings, base_url: str, demo: DemoAccount | None, kept: KeptSecrets
) -> Iterator[str]:
    """The lines of links and logins."""
    pages = base_url + folder_of(settings.public_url)
    yield ""
    yield f"kfring is ready on {base_url}"
    if settings.simulator_on:
        yield f"  {pages}/demo    phone and desk side by side"
        yield f"  {pages}/phone   the customer's phone (simulator)"
    public = (settings.public_url or base_url).rstrip("/")
    yield f"  {public}/desk    the agents' desk"
    yield f"  {public}/admin   the admin console"
    for account in settings.accounts:
        yield f"  callback of {account.appid}: {public}/wechat/callback/{account.appid}"
    yield from _logins(settings, demo, kept)
    yield "Ctrl-C stops everything."
    yield ""


def _logins(settings: Settings, demo: DemoAccount | None, kept: KeptSecrets) -> Iterator[str]:
    if demo is not None:
        yield "Demo logins (made for this data folder):"
        for agent, password in demo.passwords.items():
            yield f"  {agent}   {password}"
        yield from _admin(settings, kept, always=True)
        yield "One browser holds one login: open the second agent in a private window."
    else:
        yield from _admin(settings, kept, always=False)


def _admin(settings: Settings, kept: KeptSecrets, *, always: bool) -> Iterator[str]:
    if settings.admin_password is not None:
        yield "  admin    the password in KF_ADMIN_PASSWORD at the first start"
    elif kept.admin_made and (always or not kept.admin_shown):
        yield f"  admin    {kept.admin_password.get_secret_value()}"
        again = "" if always else "shown only this once; "
        yield f"           ({again}forgotten: {_flask()} {_RESET})"
    else:
        yield f"  admin    password set at the first start; forgotten: {_flask()} {_RESET}"


def _flask() -> str:
    """Flask's program beside this Python, as it is called from here."""
    program = Path(sys.executable).with_name("flask")
    return str(program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program)
