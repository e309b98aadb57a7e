"""Who waits does not wait for nothing: seats that become free, groups that hand on, windows that end."""

from __future__ import annotations

from app.account import Account
from app.conversations.placing import drainable


def drain(account: Account, kf_account: str) -> list[str]:
    """Seats those who wait at an agent with room, out of his groups that seat by themselves now."""
    groups = drainable(account, account.groups_of(kf_account))
    return account.store.drain(kf_account, groups) if groups else []
