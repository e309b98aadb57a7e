"""Official accounts as the settings name them: one from variables, or several from a TOML file."""

from __future__ import annotations

import base64
import binascii
import re
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from config.text_files import BadTextFile, read_text

AES_KEY_CHARS = 43
AES_KEY_BYTES = 32
ACCOUNTS_MAX = 100
_TOKEN = re.compile(r"[A-Za-z0-9]{3,32}")


class AccountKind(StrEnum):
    OFFICIAL = "official"
    MINIPROGRAM = "miniprogram"


class CallbackMode(StrEnum):
    SAFE = "safe"
    COMPAT = "compat"
    PLAIN = "plain"


class OfficialAccount(BaseModel):
    """One official account (公众号) or mini program and what is needed to talk as it.

    `encoding_aes_key` is None only in plain mode; `encoding_aes_key_previous` is accepted for
    decryption while a key change is under way. `wechat_id` is the suffix of its kf accounts and
    "" where the settings do not name it. `name` is what the console calls it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    appid: str = Field(pattern=r"^[A-Za-z0-9_-]{4,64}$")
    app_secret: SecretStr = Field(min_length=1, max_length=256)
    token: SecretStr
    encoding_aes_key: SecretStr | None = None
    encoding_aes_key_previous: SecretStr | None = None
    wechat_id: str = Field(default="", pattern=r"^[A-Za-z0-9_-]{0,64}$")
    name: str = Field(default="", max_length=32)
    kind: AccountKind = AccountKind.OFFICIAL
    callback_mode: CallbackMode = CallbackMode.SAFE

    @model_validator(mode="after")
    def _check_secrets(self) -> Self:
        lines = account_problems(self)
        if lines:
            raise ValueError("; ".join(lines))
        return self


def account_problems(account: OfficialAccount) -> list[str]:
    """What is wrong with the secrets of `account`, as `field: reason` without their values."""
    lines = []
    if not _TOKEN.fullmatch(account.token.get_secret_value()):
        lines.append("token: must be 3 to 32 letters or digits, as WeChat's server page demands")
    if account.encoding_aes_key is None and account.callback_mode is not CallbackMode.PLAIN:
        lines.append(
            f"encoding_aes_key: is needed in {account.callback_mode} mode; "
            "copy it from WeChat's server page or set the callback mode to plain"
        )
    for field in ("encoding_aes_key", "encoding_aes_key_previous"):
        key: SecretStr | None = getattr(account, field)
        if key is not None and not is_aes_key(key.get_secret_value()):
            lines.append(
                f"{field}: must be the {AES_KEY_CHARS} characters from WeChat's server page, "
                f"which are the base64 of {AES_KEY_BYTES} bytes"
            )
    return lines


def is_aes_key(key: str) -> bool:
    """Whether `key` is 43 characters that decode to the 32 bytes of an AES-256 key."""
    if len(key) != AES_KEY_CHARS:
        return False
    try:
        return len(base64.b64decode(key + "=", validate=True)) == AES_KEY_BYTES
    except (binascii.Error, ValueError):
        return False


class AccountsFileError(ValueError):
    """The accounts file cannot be used; `lines` says why, one problem each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def read_accounts_file(path: Path, default_mode: CallbackMode) -> tuple[OfficialAccount, ...]:
    """The `[[accounts]]` tables of a TOML file; raises AccountsFileError."""
    try:
        document = tomllib.loads(read_text(path))
    except BadTextFile as error:
        raise AccountsFileError([str(error)]) from None
    except tomllib.TOMLDecodeError as error:
        raise AccountsFileError([f"{path} is not valid TOML ({_where(error)})"]) from None
    tables = document.get("accounts")
    if not isinstance(tables, list) or not tables:
        raise AccountsFileError([f"{path} has no [[accounts]] table; add one per account"])
    if len(tables) > ACCOUNTS_MAX:
        raise AccountsFileError([f"{path} has more than {ACCOUNTS_MAX} accounts"])
    return _parse_tables(path, tables, default_mode)


def _where(error: Exception) -> str:
    """The position part of a TOML error, whose other text may quote a secret."""
    found = re.search(r"line \d+(, column \d+)?", str(error))
    return found.group(0) if found else "unreadable text"


def _parse_tables(
    path: Path, tables: list[object], default_mode: CallbackMode
) -> tuple[OfficialAccount, ...]:
    accounts: list[OfficialAccount] = []
    lines: list[str] = []
    for number, table in enumerate(tables, start=1):
        if not isinstance(table, dict):
            lines.append(f"{path} account {number}: must be a table")
            continue
        try:
            accounts.append(
                OfficialAccount.model_validate({"callback_mode": default_mode, **table})
            )
        except ValidationError as error:
            lines += [f"{path} account {number}: {text}" for text in describe(error)]
    appids = [account.appid for account in accounts]
    lines += [
        f"{path}: appid {appid} stands there twice; keep one"
        for appid in sorted({appid for appid in appids if appids.count(appid) > 1})
    ]
    if lines:
        raise AccountsFileError(lines)
    return tuple(accounts)


def describe(error: ValidationError) -> list[str]:
    """`field: reason` for each problem; values are left out, as they may be secrets."""
    lines = []
    for item in error.errors(include_url=False, include_input=False):
        reason = item["msg"].removeprefix("Value error, ")
        if item["loc"]:
            lines.append(f"{'.'.join(str(part) for part in item['loc'])}: {reason}")
        else:
            lines += reason.split("; ") if reason.count(": ") > 1 else [reason]
    return lines
