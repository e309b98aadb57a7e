"""Who waits does not wait for nothing: seats that become free, groups that hand on, windows that end."""

from __future__ import annotations

from typing import Final

from app.account import Account
from app.conversations.placing import drainable

TOGETHER: Final = 2
"""Conversations seated by one script, so that a sign-in with many seats holds up nobody else."""


def drain(account: Account, kf_account: str) -> list[str]:
    """Seats those who wait at an agent with room, out of his groups that seat by themselves now.

    The first of them at once; further seats are filled for a few agents at a time, so that many who sign in
    together hold up neither each other's first customers nor a push.
    """
    groups = drainable(account, account.groups_of(kf_account))
    if not groups:
        return []
    more = account.store.drain(kf_account, groups, TOGETHER)
    seated = list(more)
    while len(more) == TOGETHER:
        with account.filling:
            more = account.store.drain(kf_account, groups, TOGETHER)
        seated += more
    return seated
