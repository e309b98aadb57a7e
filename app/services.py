"""What one running node is made of; the API and the pages get it as one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.account import Account
from app.auth.logins import Logins
from app.auth.passwords import Passwords
from app.auth.signin import SignIn
from app.desk.hub import DeskHub
from app.desk.stream_slots import StreamSlots
from app.media.library import Library
from app.node.background import Background
from app.node.context import NodeContext
from app.plan.live import Live
from app.plan.notices import NoticeTexts
from app.plan.plans import Plans
from app.presence.roster_watch import RosterWatch
from app.refusals import Refusal
from app.storage.sql import Engine
from app.wechat.api import WeChatApi
from config.settings import Settings
from routing.transfer_rules import TransferRules
from sessions.store.clients import Redis
from sessions.store.scripts import Scripts


@dataclass(frozen=True, slots=True)
class Served:
    """One official account on this node: its use-case bundle, its API client, its desks, its roster.

    ``notices``, ``plans`` and ``transfer_rules`` are live values: reload one after changing it in SQL.
    """

    account: Account
    api: WeChatApi
    hub: DeskHub
    roster: RosterWatch
    notices: NoticeTexts
    plans: Plans
    transfer_rules: Live[TransferRules]
    files: Library


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a request may need. ``passwords`` is the only one: it bounds hashing."""

    settings: Settings
    node: NodeContext
    redis: Redis
    scripts: Scripts
    engine: Engine
    served: Mapping[str, Served]
    logins: Logins
    passwords: Passwords
    sign_in: SignIn
    sweep_age_s: Callable[[], float]
    database_up: Callable[[], bool]
    settings_differing: Callable[[], tuple[str, ...]]
    streams: StreamSlots = field(default_factory=StreamSlots)
    background: Background = field(default_factory=Background)

    def account_of(self, appid: str | None) -> Served:
        """The named official account, or the only one. Raises Refusal: not_found, invalid."""
        if appid is None:
            if len(self.served) == 1:
                return next(iter(self.served.values()))
            raise Refusal("invalid", "There are several official accounts; name one by ?appid=")
        if appid not in self.served:
            raise Refusal("not_found", "There is no such official account.")
        return self.served[appid]
