"""Everything that serves one official account, handed to the use cases as one value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Final, Protocol

from app.presence.attendance import Attendance
from app.storage.records import Records
from app.wechat.channel import Channel
from config.accounts import OfficialAccount
from config.settings import Settings
from routing.document import Plan
from routing.transfer_rules import TransferRules
from sessions.deadlines import Deadlines
from sessions.model import Inbound
from sessions.store.agents import AgentStore
from sessions.store.conversations import SessionStore
from sessions.store.desk_stream import DeskStream
from sessions.store.outbox import Outbox
from sessions.store.queries import Queries

FILLING_AT_ONCE: Final = 4
"""Agents of one account whose further seats a node fills at a moment."""


class Notices(Protocol):
    """The account's texts for customers, editable by admins."""

    def __call__(self, key: str, **values: object) -> str:
        """The text of a notice with its placeholders filled; "" where it is switched off."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers and names that decisions use; lengths in milliseconds."""

    load_factor: float
    queue_max: int
    affinity_ms: int
    reopen_ms: int
    reply_budget: int
    transfer_consent: bool
    transfer_ms: int
    grace_ms: int
    priority_credit_ms: int
    opening_keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Account:
    """One official account: its stores, who is there, its texts, its policy and what operators decided.

    ``plan`` and ``transfer_rules`` answer from memory; ``noticed`` has what WeChat knows of a push's customer
    read behind the callback; ``greet(openid, text)`` sends a text that belongs to
    no conversation and returns at once; ``filling`` lets a few threads at a time fill agents' further seats.
    """

    config: OfficialAccount
    channel: Channel
    policy: Policy
    store: SessionStore
    seats: AgentStore
    outbox: Outbox
    queries: Queries
    stream: DeskStream
    records: Records
    attendance: Attendance
    notices: Notices
    plan: Callable[[], Plan]
    wake_sender: Callable[[], None]
    transfer_rules: Callable[[], TransferRules] = TransferRules
    noticed: Callable[[Inbound], None] = lambda push: None
    greet: Callable[[str, str], object] = lambda openid, text: None
    filling: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(FILLING_AT_ONCE))

    @property
    def appid(self) -> str:
        return self.config.appid

    def fallback_of(self, group: str) -> str:
        """The group that helps out, "" without one."""
        return self.plan().group(group).fallback

    def groups_of(self, kf_account: str) -> Sequence[str]:
        """The groups an agent serves; without any, the default group."""
        return self.attendance.groups_of(kf_account)


PRIORITY_CREDIT_MS: Final = 60_000


def deadlines_of(settings: Settings) -> Deadlines:
    """The lengths of all deadlines, as set."""
    return Deadlines(
        idle_ms=settings.idle_close_s * 1000,
        wait_ms=settings.wait_limit_s * 1000,
        transfer_ms=settings.transfer_timeout_s * 1000,
        reply_ms=settings.agent_reply_s * 1000,
        limit_ms=settings.transfer_limit_s * 1000,
    )


def policy_of(settings: Settings) -> Policy:
    """The numbers and names that decisions use, as set."""
    return Policy(
        load_factor=settings.load_factor,
        queue_max=settings.queue_max,
        affinity_ms=settings.affinity_days * 24 * 3600 * 1000,
        reopen_ms=settings.reopen_s * 1000,
        reply_budget=settings.reply_budget,
        transfer_consent=settings.transfer_consent,
        transfer_ms=settings.transfer_timeout_s * 1000,
        grace_ms=settings.presence_grace_s * 1000,
        priority_credit_ms=PRIORITY_CREDIT_MS,
        opening_keys=settings.entry_keys,
    )
