"""Notices of mini programs: the platform takes no text as passive reply, so they go by custom/send.

They are sent only while the reply budget leaves one for a person; one not sent is recorded as a system
line. Each push sends one notice at most, however often it is delivered.
"""

from __future__ import annotations

from typing import Final

from app.account import Account
from sessions.model import Inbound, NotFound, Outcome

NEEDS: Final = 2
"""A notice leaves at least one reply for a human."""


def speaks(account: Account) -> bool:
    """Return whether notices of this account must be sent as messages."""
    return not account.channel.passive


def tell(account: Account, push: Inbound, outcome: Outcome, text: str) -> None:
    """Send the notice once. Raises StoreDown, StoreRefused."""
    operation = f"notice:{push.dedup_key}"
    if not outcome.session_id:
        if account.store.spend(push.openid, operation, NEEDS):
            account.greet(push.openid, text)
        return
    try:
        account.store.say(outcome.session_id, text, operation, NEEDS)
    except NotFound:
        return
    account.wake_sender()
