"""Checks over several settings at once, each answered with one sentence for the operator."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from config.accounts import AccountsFileError, OfficialAccount, describe, read_accounts_file
from config.values import (
    folder_of,
    has_port,
    has_scheme,
    is_http_url,
    is_login,
    is_zookeeper_list,
)

if TYPE_CHECKING:
    from config.settings import Settings

SINGLE_ACCOUNT_FIELDS = (
    "appid",
    "app_secret",
    "token",
    "encoding_aes_key",
    "encoding_aes_key_previous",
)
REDIS_SCHEMES = (
    "redis",
    "rediss",
    "unix",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+cluster",
    "rediss+cluster",
)
FOLDER = re.compile(r"(/(?!\.+(/|$))[A-Za-z0-9._~-]+)+")
OWN_PATHS = frozenset(
    (
        *("admin", "api", "desk", "healthz", "metrics", "readyz", "static", "wechat"),
        *("cgi-bin", "customservice", "demo", "phone", "sim"),
    )
)
"""How the paths begin that a node serves: a folder called so could not be told from them."""
WEBHOOK_SCHEMES = ("https", "http")
DATABASE_SCHEMES = ("sqlite", "postgres", "postgresql", "postgresql+psycopg")


def cross_problems(settings: Settings) -> list[str]:
    """One sentence per problem; empty when the settings fit together."""
    return [line for check in _CHECKS for line in check(settings)]


def read_accounts(settings: Settings) -> tuple[OfficialAccount, ...]:
    """The accounts of the single-account variables or of the file; raises AccountsFileError."""
    given = [field for field in SINGLE_ACCOUNT_FIELDS if getattr(settings, field)]
    if settings.accounts_file is not None:
        if given:
            raise AccountsFileError(
                [f"KF_ACCOUNTS_FILE and {_variable(given[0])} are both set; keep one of the two"]
            )
        try:
            return read_accounts_file(settings.accounts_file, settings.callback_mode)
        except AccountsFileError as error:
            raise AccountsFileError([f"KF_ACCOUNTS_FILE: {line}" for line in error.lines]) from None
    return (_single_account(settings, given),) if given else ()


def oddities(settings: Settings) -> Iterator[str]:
    """Sentences about what works and was hardly meant."""
    if settings.presence_grace_s < settings.sweep_s:
        yield (
            f"KF_PRESENCE_GRACE_S {settings.presence_grace_s} is below KF_SWEEP_S "
            f"{settings.sweep_s}: a lost agent is noticed by the sweep, not sooner"
        )
    if settings.zookeeper_hosts and settings.secret_key is None:
        yield "KF_SECRET_KEY is not set: with several nodes, browsers need the same one on each"
    if settings.accounts and not settings.wechat_id and not settings.accounts_file:
        yield "KF_WECHAT_ID is not set: kf accounts must be named in full, as prefix@wechat_id"


def _single_account(settings: Settings, given: list[str]) -> OfficialAccount:
    missing = [field for field in ("appid", "app_secret", "token") if field not in given]
    if missing:
        names = " and ".join(map(_variable, missing))
        are, them = ("is", "it") if len(missing) == 1 else ("are", "them")
        raise AccountsFileError(
            [
                f"{names} {are} missing, while {_variable(given[0])} is set; "
                f"copy {them} from the official account's settings page"
            ]
        )
    fields = (*SINGLE_ACCOUNT_FIELDS, "wechat_id", "callback_mode")
    values = {field: getattr(settings, field) for field in fields}
    try:
        return OfficialAccount.model_validate({k: v for k, v in values.items() if v is not None})
    except ValidationError as error:
        raise AccountsFileError([_as_variable(line) for line in describe(error)]) from None


def _variable(field: str) -> str:
    return "KF_" + field.upper()


def _as_variable(line: str) -> str:
    field, separator, reason = line.partition(": ")
    return f"{_variable(field)}: {reason}" if separator else line


def _addresses(settings: Settings) -> Iterator[str]:
    for field in ("wechat_api_base", "public_url"):
        url = getattr(settings, field)
        if url is not None and not is_http_url(url):
            yield (
                f"{_variable(field)}: must look like https://host[:port][/path], "
                "without a query or login"
            )
    for field, schemes in (
        ("redis_url", REDIS_SCHEMES),
        ("database_url", DATABASE_SCHEMES),
        ("alert_webhook", WEBHOOK_SCHEMES),
        ("outbound_proxy", WEBHOOK_SCHEMES),
    ):
        secret = getattr(settings, field)
        if secret is None:
            continue
        if not has_scheme(secret.get_secret_value(), schemes):
            yield f"{_variable(field)}: must begin with one of {', '.join(schemes)} and ://"
        elif not has_port(secret.get_secret_value()):
            yield f"{_variable(field)}: the port must be a number up to 65535"
    if settings.zookeeper_hosts is not None and not is_zookeeper_list(settings.zookeeper_hosts):
        yield "KF_ZOOKEEPER_HOSTS: must look like host:2181,host:2181[/chroot]"
    if settings.zookeeper_auth is not None and not is_login(settings.zookeeper_auth):
        yield "KF_ZOOKEEPER_AUTH: must look like user:password"


def _public_folder(settings: Settings) -> Iterator[str]:
    folder = folder_of(settings.public_url)
    if not folder or not is_http_url(settings.public_url or ""):
        return
    if not FOLDER.fullmatch(folder):
        yield "KF_PUBLIC_URL: a path is written with letters, digits, and - . _ ~ between slashes"
    elif folder.split("/")[1] in OWN_PATHS:
        yield f"KF_PUBLIC_URL: kfring itself uses {folder}; take another path, or a host of its own"


def _split_roles(settings: Settings) -> Iterator[str]:
    if settings.role == "all":
        return
    for field in ("redis_url", "zookeeper_hosts"):
        if getattr(settings, field) is None:
            yield (
                f"{_variable(field)} is missing: KF_ROLE={settings.role} runs several processes, "
                "which need one Redis and one ZooKeeper; set it, or KF_ROLE=all"
            )


def _timezone(settings: Settings) -> Iterator[str]:
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield f"KF_TIMEZONE: no time zone {settings.timezone[:64]!r}; take one like Asia/Shanghai"


def _simulator(settings: Settings) -> Iterator[str]:
    credentials = settings.appid is not None or settings.accounts_file is not None
    if settings.simulator and credentials and not settings.loopback:
        yield (
            f"KF_SIMULATOR: the simulator never runs on HOST {settings.host}, which others can "
            "reach; unset it, or set HOST=127.0.0.1"
        )
    if settings.simulator is False and not credentials:
        yield (
            "KF_APPID is missing, and KF_SIMULATOR=0 rules out the demo; "
            "set the account's credentials"
        )


def _threads(settings: Settings) -> Iterator[str]:
    if settings.threads is not None and settings.threads <= settings.streams_max:
        yield (
            f"KF_THREADS {settings.threads} leaves no thread beside KF_STREAMS_MAX "
            f"{settings.streams_max} event streams; raise it or lower the streams"
        )


_CHECKS: tuple[Callable[[Settings], Iterator[str]], ...] = (
    _addresses,
    _public_folder,
    _split_roles,
    _timezone,
    _simulator,
    _threads,
)
