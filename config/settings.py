"""Every setting of the server: environment variables and `.env`, checked once at the start.

This is the only module that reads the environment. Names and defaults: docs/operations.md.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import (
    AliasChoices,
    Field,
    IPvAnyNetwork,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from config.accounts import AccountsFileError, CallbackMode, OfficialAccount
from config.checks import SINGLE_ACCOUNT_FIELDS, cross_problems, oddities, read_accounts
from config.text_files import BadTextFile, read_text
from config.values import is_loopback, split_list

PREFIX = "KF_"
SPARE_THREADS = 64  # threads beyond the event streams, for callbacks, pages and health checks
THREADS_MIN = 96
DEFAULT_API_BASE = "https://api.weixin.qq.com"
_UNPREFIXED = ("HOST", "PORT")
_NAME = re.compile(r"\bKF_[A-Z_]+\b")

Seconds = Annotated[int, Field(gt=0, le=30 * 86400)]
SecondsOrOff = Annotated[int, Field(ge=0, le=30 * 86400)]


class SettingsError(Exception):
    """The settings cannot be used. `lines` holds one sentence per problem, without secrets."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Settings(BaseSettings):
    """All settings; fields are named after their variable without `KF_`, in lower case."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore"
    )

    host: str = Field("127.0.0.1", validation_alias=AliasChoices("KF_HOST", "HOST"))
    port: int = Field(8000, ge=1, le=65535, validation_alias=AliasChoices("KF_PORT", "PORT"))

    appid: str | None = None
    app_secret: SecretStr | None = None
    token: SecretStr | None = None
    encoding_aes_key: SecretStr | None = None
    encoding_aes_key_previous: SecretStr | None = None
    accounts_file: Path | None = None
    wechat_id: str | None = None
    wechat_api_base: str | None = None
    callback_mode: CallbackMode = CallbackMode.SAFE
    public_url: str | None = None
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = ()
    metrics_from: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = ()

    outbound_hosts: Annotated[frozenset[str], NoDecode] = frozenset()
    outbound_proxy: SecretStr | None = None

    redis_url: SecretStr | None = None
    appendfsync: Literal["everysec", "always"] = "everysec"
    zookeeper_hosts: str | None = None
    zookeeper_auth: SecretStr | None = None
    database_url: SecretStr | None = None

    secret_key: SecretStr | None = Field(None, min_length=16)
    secret_key_previous: SecretStr | None = Field(None, min_length=16)
    admin_password: SecretStr | None = Field(None, min_length=8)
    data_dir: Path = Path("var")
    role: Literal["web", "worker", "all"] = "all"
    node_id: str | None = Field(None, pattern=r"^[A-Za-z0-9._-]{1,64}$")
    simulator: bool | None = None
    server: Literal["granian", "gunicorn"] = "granian"
    streams_max: int = Field(200, gt=0, le=4000)
    threads: int | None = Field(None, gt=0, le=5000)
    timezone: str = "Asia/Shanghai"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    idle_close_s: Seconds = 1800
    sweep_s: Seconds = 5
    heartbeat_s: Seconds = 30
    presence_grace_s: Seconds = 30
    wait_limit_s: Seconds = 86400
    queue_max: int = Field(1000, gt=0, le=1_000_000)
    max_sessions: int = Field(5, gt=0, le=1000)
    load_factor: float = Field(1.25, ge=1.0, le=100.0)
    affinity_days: int = Field(7, ge=0, le=3650)
    reopen_s: SecondsOrOff = 600
    reply_budget: int = Field(5, gt=0, le=100)
    budget_rule: Literal["max", "sum"] = "max"
    agent_reply_s: SecondsOrOff = 180
    transfer_consent: bool = False
    transfer_timeout_s: Seconds = 60
    transfer_limit_s: SecondsOrOff = 7200
    alert_webhook: SecretStr | None = None
    alert_format: Literal["markdown", "text"] = "markdown"
    alert_wait_s: Seconds = 300
    alert_dead: int = Field(5, gt=0, le=1000)
    alert_every_s: Seconds = 15
    entry_keys: Annotated[frozenset[str], NoDecode] = frozenset()

    _accounts: tuple[OfficialAccount, ...] = PrivateAttr(default=())
    _warnings: tuple[str, ...] = PrivateAttr(default=())

    @field_validator(
        "trusted_proxies", "metrics_from", "outbound_hosts", "entry_keys", mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return split_list(value) if isinstance(value, str) else value

    @field_validator(
        "role", "server", "log_level", "callback_mode", "alert_format", "appendfsync", mode="before"
    )
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)

    @property
    def accounts(self) -> tuple[OfficialAccount, ...]:
        """The official accounts with credentials; empty in the demo."""
        return self._accounts

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the operator about settings that work but look unintended."""
        return self._warnings

    @property
    def demo(self) -> bool:
        """No credentials at all: the bundled simulator plays a demo account."""
        return not self._accounts

    @property
    def simulator_on(self) -> bool:
        """Whether the bundled platform simulator is served beside the application."""
        return self.demo or bool(self.simulator)

    @property
    def api_base(self) -> str:
        """The platform's base address without a trailing slash, where no simulator runs."""
        return (self.wechat_api_base or DEFAULT_API_BASE).rstrip("/")

    @property
    def thread_count(self) -> int:
        """Threads of the one worker: room for all event streams and everything else."""
        return self.threads or max(THREADS_MIN, self.streams_max + SPARE_THREADS)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def sqlalchemy_url(self) -> SecretStr:
        """The database address with its driver name; unset: SQLite in the data folder."""
        if self.database_url is None:
            return SecretStr(f"sqlite:///{(self.data_dir / 'kfring.db').resolve()}")
        scheme, _, rest = self.database_url.get_secret_value().partition("://")
        driver = "postgresql+psycopg" if scheme in ("postgres", "postgresql") else scheme
        return SecretStr(f"{driver}://{rest}")

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)


class _MappingSource(EnvSettingsSource):
    """pydantic-settings' environment source over a mapping that was handed in."""

    def __init__(self, variables: Mapping[str, str | None]) -> None:
        self._variables = variables
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._variables.items() if value}


def load_settings(
    environ: Mapping[str, str] | None = None, env_file: Path | str | None = ".env"
) -> Settings:
    """Read `env_file` (if there), then `environ` (default: the process environment) over it.

    An empty variable counts as absent. Raises SettingsError.
    """
    variables = _variables(os.environ if environ is None else environ, env_file)
    settings, lines, unusable = _usable(variables)
    more = cross_problems(settings)
    try:
        settings._accounts = read_accounts(settings)
    except AccountsFileError as error:
        more = error.lines + more
    # What was left out above has its line; that something else misses it is no news.
    lines += [line for line in more if not unusable & set(_NAME.findall(line))]
    if settings.demo and not settings.loopback and not lines:
        lines.append(
            f"HOST {settings.host} is not a loopback address, and the demo (no KF_APPID) has known "
            "logins; set the credentials of a real account, or HOST=127.0.0.1"
        )
    unknown = tuple(_unknown(variables))
    if lines:
        raise SettingsError([*lines, *unknown])
    settings._warnings = unknown + tuple(oddities(settings))
    return settings


def _usable(variables: Mapping[str, str | None]) -> tuple[Settings, list[str], set[str]]:
    """Return the settings without those that cannot be read, a line for each of these, and their names.

    The others are looked at with defaults in their place, so that one start names every mistake.
    """
    values = _field_values(variables)
    try:
        return Settings(**values), [], set()
    except ValidationError as error:
        lines = _field_lines(error, variables)
        wrong = {str(item["loc"][0]) for item in error.errors(include_url=False)}
    kept = {name: value for name, value in values.items() if name not in wrong}
    names = {PREFIX + name.removeprefix(PREFIX).upper() for name in wrong}
    if "callback_mode" in wrong:
        names.add("KF_ENCODING_AES_KEY")  # whether it is needed depends on the mode
    return Settings(**kept), lines, names


def _variables(environ: Mapping[str, str], env_file: Path | str | None) -> dict[str, str | None]:
    """`.env` under the environment; only our names, as nothing else is ours to read."""
    merged: dict[str, str | None] = {}
    if env_file is not None:
        merged.update(_from_file(Path(env_file)))
    merged.update({name: value for name, value in environ.items() if value})
    return {
        name: value
        for name, value in merged.items()
        if value and (name.startswith(PREFIX) or name in _UNPREFIXED)
    }


def _from_file(path: Path) -> dict[str, str | None]:
    """The lines of `.env`, nothing where there is none. Raises SettingsError."""
    try:
        return dotenv_values(stream=StringIO(read_text(path))) if path.is_file() else {}
    except BadTextFile as error:
        raise SettingsError([str(error)]) from None
    except OSError as error:
        raise SettingsError([f"{path} cannot be read: {error.strerror}"]) from None


def _field_values(variables: Mapping[str, str | None]) -> dict[str, Any]:
    values: dict[str, Any] = _MappingSource(variables)()
    return values


def _variable_name(location: str, variables: Mapping[str, str | None]) -> str:
    """The variable as the operator wrote it: HOST and PORT may stand without the prefix."""
    bare = location.removeprefix(PREFIX).upper()
    return bare if bare in _UNPREFIXED and PREFIX + bare not in variables else PREFIX + bare


def _field_lines(error: ValidationError, variables: Mapping[str, str | None]) -> list[str]:
    lines = []
    for item in error.errors(include_url=False):
        field = str(item["loc"][0])
        shown = "" if _is_secret(field) else f" (it is {str(item['input'])[:80]!r})"
        reason = item["msg"].removeprefix("Value error, ")
        if item["type"] == "too_short":
            reason = f"must have at least {item['ctx']['min_length']} characters"
        name = _variable_name(field, variables)
        lines.append(f"{name}: {reason}{shown}; see docs/operations.md, settings")
    return lines


def _is_secret(field: str) -> bool:
    info = Settings.model_fields.get(field.removeprefix(PREFIX).lower())
    return info is None or "SecretStr" in str(info.annotation)


def _unknown(variables: Mapping[str, str | None]) -> Iterable[str]:
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    for name in sorted(variables):
        if name in known or name in _UNPREFIXED:
            continue
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        yield f"{name} is not a setting and is ignored{hint}"


__all__ = [
    "SINGLE_ACCOUNT_FIELDS",
    "CallbackMode",
    "OfficialAccount",
    "Settings",
    "SettingsError",
    "load_settings",
]
