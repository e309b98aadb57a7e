"""All checks of the doctor, in the order in which an operator repairs."""

from __future__ import annotations

from collections.abc import Iterator

from app.commands.doctor import platform, pushes, stores
from app.commands.doctor.findings import Finding, bad
from app.commands.stores import installed_accounts, redis_address
from app.node.context import StartError, outbound_proxy
from config.settings import Settings


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield every finding as soon as it is known."""
    yield from _redis(settings)
    yield stores.database(settings)
    yield stores.zookeeper(settings)
    local = f"http://{_host(settings)}:{settings.port}"
    api_base = settings.api_base
    if settings.simulator_on and settings.wechat_api_base is None:
        api_base = local
    accounts = installed_accounts(settings)
    for config in accounts:
        yield from platform.examine(config, api_base, outbound_proxy(settings, api_base))
        public = settings.public_url
        yield from pushes.examine(config, public or local, public=public is not None)
    if settings.demo and not accounts:
        yield bad(
            "official account: none set", "make run starts the demo; or set KF_APPID and so on"
        )


def _redis(settings: Settings) -> Iterator[Finding]:
    try:
        with redis_address(settings) as (url, how):
            yield stores.redis(settings, url, how)
    except StartError as error:
        yield bad("Redis: the embedded store cannot be reached", str(error))


def _host(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host.strip("[]"))
    return f"[{host}]" if ":" in host else host
