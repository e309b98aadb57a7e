"""Secrets that are generated once and kept in the data folder, readable by the owner only."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr, ValidationError

from app.node.context import DemoAccount, StartError
from config.accounts import OfficialAccount

DEMO_FILE = "demo.json"
SECRETS_FILE = "secrets.json"
ADMIN_MADE, ADMIN_SHOWN, YES = "admin_made", "admin_shown", "yes"
DEMO_WECHAT_ID = "kfdemo"
DEMO_AGENTS = ("agent1", "agent2")


@dataclass(frozen=True, slots=True)
class KeptSecrets:
    """The generated values of this data folder.

    `admin_made`: the first admin got this password; `admin_shown`: it was printed.
    """

    secret_key: SecretStr
    admin_password: SecretStr
    node_id: str
    admin_made: bool
    admin_shown: bool


def keep_secrets(folder: Path) -> KeptSecrets:
    """The secrets of `folder`, generated on the first call. Raises StartError."""
    kept = _read_or_make(folder / SECRETS_FILE, _new_secrets)
    try:
        return KeptSecrets(
            SecretStr(kept["secret_key"]),
            SecretStr(kept["admin_password"]),
            kept["node_id"],
            kept.get(ADMIN_MADE) == YES,
            kept.get(ADMIN_SHOWN) == YES,
        )
    except KeyError as error:
        raise _unreadable(folder / SECRETS_FILE) from error


def mark_admin(folder: Path, what: str) -> None:
    """Remember ADMIN_MADE or ADMIN_SHOWN, so that the password is printed only where it is right, once."""
    path = folder / SECRETS_FILE
    _write(path, {**_read_or_make(path, _new_secrets), what: YES})


def keep_demo(folder: Path) -> DemoAccount:
    """The demo account of `folder`, generated on the first call. Raises StartError."""
    path = folder / DEMO_FILE
    kept = _read_or_make(path, _new_demo)
    try:
        passwords = {agent: kept[agent] for agent in DEMO_AGENTS}
        values = {name: value for name, value in kept.items() if name not in passwords}
        return DemoAccount(OfficialAccount.model_validate(values), passwords)
    except (KeyError, ValidationError):
        raise _unreadable(path) from None


def _new_secrets() -> dict[str, str]:
    return {
        "secret_key": secrets.token_hex(32),
        "admin_password": secrets.token_urlsafe(12),
        "node_id": f"{_host_label()}-{secrets.token_hex(3)}",
    }


def _host_label() -> str:
    name = socket.gethostname().split(".")[0]
    return "".join(char for char in name if char.isascii() and char.isalnum())[:32] or "node"


def _new_demo() -> dict[str, str]:
    return {
        "appid": "wx" + secrets.token_hex(8),
        "app_secret": secrets.token_hex(16),
        "token": secrets.token_hex(8),
        "encoding_aes_key": _new_aes_key(),
        "wechat_id": DEMO_WECHAT_ID,
        **{agent: secrets.token_urlsafe(6) for agent in DEMO_AGENTS},
    }


def _new_aes_key() -> str:
    """43 letters and digits that are the base64 of 32 bytes, as the platform makes them."""
    while True:
        key = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        if key.isalnum():
            return key


def _read_or_make(path: Path, make: Callable[[], dict[str, str]]) -> dict[str, str]:
    if not path.exists():
        _write(path, make())
    try:
        kept = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        raise _unreadable(path) from None
    if not isinstance(kept, dict):
        raise _unreadable(path)
    return {str(name): str(value) for name, value in kept.items()}


def _write(path: Path, values: Mapping[str, str]) -> None:
    """Replace `path` in one step; a crash leaves the old or the new file, never half of one."""
    partial = path.with_suffix(".partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(values, file, indent=1)
            file.flush()
            os.fsync(descriptor)
        partial.replace(path)
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror}") from None


def _unreadable(path: Path) -> StartError:
    return StartError(f"{path} is damaged; restore it from a backup, or remove it to start anew")
