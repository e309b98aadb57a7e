"""What the settings say, in the words of the use cases."""

from __future__ import annotations

from typing import Final

from app.account import Policy
from config.settings import Settings
from sessions.deadlines import Deadlines

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
