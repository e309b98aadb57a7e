"""Seat waiting customers on free seats."""

from __future__ import annotations

from typing import Final

from app.account import Account
from app.conversations.placing import drainable

TOGETHER: Final = 2
"""Conversations seated by one script, so that a sign-in with many seats delays nobody else."""


def drain(account: Account, kf_account: str) -> list[str]:
    """Seat customers from the agent's automatic queues on their free seats.

    The first ones are seated at once. Further seats are filled for a few agents at a time, so that many who
    sign in together delay neither each other's first customers nor a push.
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
