"""Who waits does not wait for nothing: seats that become free, groups that hand on, windows that end."""

from __future__ import annotations

from typing import Final

from app.account import Account
from app.conversations.placing import drainable

TOGETHER: Final = 2
"""Conversations seated by one script, so that a sign-in with many seats holds up nobody else."""


def drain(account: Account, kf_account: str) -> list[str]:
    """Seats those who wait at an agent with room, out of his groups that seat by themselves now."""
    groups = drainable(account, account.groups_of(kf_account))
    seated = list[str]()
    while groups:
        more = account.store.drain(kf_account, groups, TOGETHER)
        seated += more
        if len(more) < TOGETHER:
            break
    return seated
