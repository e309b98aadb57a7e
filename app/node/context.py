"""What the launcher hands to the application of one node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pydantic import SecretStr

from config.accounts import OfficialAccount
from config.settings import Settings
from config.values import is_loopback, revealed


class StartError(Exception):
    """The node cannot start. The message is one sentence per line for the operator."""


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """The simulator's account and its agents; made once per data folder.

    `passwords` maps the usernames agent1 and agent2 to their passwords.
    """

    account: OfficialAccount
    passwords: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class NodeContext:
    """Facts of this process that the settings alone do not tell.

    `draining` answers True from the moment the process was asked to stop. `base_url` reaches this
    node from its own machine. `admin_password` is for the first person `admin` only; `secret_key`
    is this node's own until it is agreed on with the other nodes (app/auth/secret_key.py). A Redis pool opens
    `redis_connections` at most; None: one for each thread.
    """

    redis_url: str = field(repr=False)
    embedded: bool
    draining: Callable[[], bool]
    base_url: str
    demo: DemoAccount | None
    node_id: str
    secret_key: SecretStr
    admin_password: SecretStr
    redis_connections: int | None = None


def accounts_of(settings: Settings, node: NodeContext) -> tuple[OfficialAccount, ...]:
    """The official accounts of this node; in the demo, its own."""
    return (node.demo.account,) if node.demo else settings.accounts


def outbound_proxy(settings: Settings, address: str) -> str:
    """Return the proxy by which an address is called, "" for none: never one of this machine."""
    local = is_loopback(urlsplit(address).hostname or "")
    return "" if local else revealed(settings.outbound_proxy)


def api_base(settings: Settings, node: NodeContext) -> str:
    """Where the platform's API is: this node itself where it plays the platform."""
    if settings.wechat_api_base is None and settings.simulator_on:
        return node.base_url
    return settings.api_base
