"""What an agent may see: conversations that are theirs, offered to them or waiting, and their customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.account import Account
from app.conversations.views import archived_view, session_view
from app.refusals import Refusal
from app.storage.records import Filters
from sessions.model import State


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who reads conversations; ``everything`` is True for supervisors and admins."""

    kf_account: str
    groups: frozenset[str]
    everything: bool

    def concerned_by(self, view: Mapping[str, Any]) -> bool:
        """Return whether a conversation (as the API shows it) is the agent's, offered to them, or waiting."""
        if not self.kf_account:
            return False
        if view["state"] == State.WAITING:
            return view["group"] in self.groups
        asked = view["transfer"]["to"] if view["transfer"] else ""
        return self.kf_account in (view["kf_account"], asked)


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation as the API shows it; an archived one can only be read."""

    view: dict[str, Any]
    archived: bool


def find(account: Account, session_id: str) -> Found:
    """Return the conversation from Redis, else from SQL, where it is written before it leaves Redis.

    Raises Refusal.
    """
    for row in account.queries.rows([session_id]):
        return Found(session_view(row, account.appid), archived=False)
    data = account.records.session(account.appid, session_id)
    if data is None:
        raise Refusal("not_found", "There is no such conversation.")
    return Found(archived_view(data), archived=True)


def find_for(account: Account, reader: Reader, session_id: str) -> Found:
    """Return the conversation to a reader who may see it. Raises Refusal: not_found, forbidden."""
    found = find(account, session_id)
    if reader.everything or reader.concerned_by(found.view):
        return found
    if serves_now(account, reader.kf_account, found.view["openid"]):
        return found
    raise Refusal("forbidden", "This conversation is not yours.")


def serves_now(account: Account, kf_account: str, openid: str) -> bool:
    """Return whether the agent serves the customer now, or is asked to."""
    if not kf_account:
        return False
    customer, _ = account.store.customer(openid)
    open_ones = account.queries.sessions([customer.open_session] if customer.open_session else [])
    return any(kf_account in (s.kf_account, s.transfer_to) for s in open_ones)


def check_customer(account: Account, reader: Reader, openid: str) -> None:
    """Refuse a customer whom the agent neither serves, served, nor may take from a queue.

    Raises Refusal: forbidden.
    """
    if reader.everything:
        return
    customer, _ = account.store.customer(openid)
    rows = account.queries.rows([customer.open_session] if customer.open_session else [])
    if any(reader.concerned_by(session_view(row, account.appid)) for row in rows):
        return
    if reader.kf_account and customer.last_kf == reader.kf_account:
        return
    served = Filters(kf_account=reader.kf_account, openid=openid)
    if reader.kf_account and account.records.closed(account.appid, served, limit=1).items:
        return
    raise Refusal("forbidden", "This customer is not yours.")
