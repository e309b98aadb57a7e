"""Names of kf accounts and the platform's limits (wechat-platform 6)."""

from __future__ import annotations

import re
from typing import Final

from app.storage.errors import Invalid
from config.accounts import OfficialAccount

PREFIX: Final = re.compile(r"[A-Za-z0-9_]{1,10}")
SUFFIX: Final = re.compile(r"[A-Za-z0-9_-]{1,30}")
NICKNAME_MAX_CHARS: Final = 16
ACCOUNTS_MAX: Final = 100
"""Kf accounts that WeChat allows an official account; ``local`` ones do not count."""

AGENTS_MAX: Final = 1_000
AVATAR_MAX_BYTES: Final = 5 * 1024 * 1024


def completed(config: OfficialAccount, given: str) -> str:
    """Return the full form of a name or bare prefix, unchecked, for a look-up."""
    name = given.strip()
    return name if "@" in name or not config.wechat_id else f"{name}@{config.wechat_id}"


def full_name(config: OfficialAccount, given: str) -> str:
    """Return the full form of a new kf_account. Raises Invalid."""
    prefix, at, suffix = completed(config, given).partition("@")
    if not at:
        raise Invalid("kf_account", "KF_WECHAT_ID is not set, so write it as prefix@wechat_id")
    if not PREFIX.fullmatch(prefix):
        raise Invalid("kf_account", "the prefix must be 1 to 10 letters, digits or _")
    if config.wechat_id and suffix != config.wechat_id:
        raise Invalid("kf_account", f"must end with @{config.wechat_id}")
    if not SUFFIX.fullmatch(suffix):
        raise Invalid("kf_account", "what follows @ must be the account's WeChat id")
    return f"{prefix}@{suffix}"


def checked_nickname(nickname: str) -> str:
    """Return the nickname without outer spaces. Raises Invalid."""
    cleaned = nickname.strip()
    if not cleaned or len(cleaned) > NICKNAME_MAX_CHARS:
        raise Invalid("nickname", f"must be 1 to {NICKNAME_MAX_CHARS} characters")
    return cleaned
