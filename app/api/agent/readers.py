"""Shared parts of the views on conversations: the reader, the conversation, and its view."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from app.api.core import Call
from app.conversations.access import Found, Reader, find, find_for
from app.refusals import Refusal
from sessions.model import NotFound, Session


def reader(call: Call) -> Reader:
    """Return the caller as a reader of the official account."""
    kf_account = call.kf_account_or_none
    groups = call.account.groups_of(kf_account) if kf_account else ()
    return Reader(kf_account, frozenset(groups), call.may("sessions.read_any"))


def readable(call: Call, session_id: str) -> Found:
    """Return a conversation that the caller may read. Raises Refusal: not_found, forbidden."""
    return find_for(call.account, reader(call), session_id)


def present_view(call: Call, session_id: str) -> dict[str, Any]:
    """Return the conversation as it is now, after a change."""
    return find(call.account, session_id).view


def acting_on(call: Call, session_id: str, act: Callable[[], Session | None]) -> dict[str, Any]:
    """Run a use case on a conversation and return its view.

    Raises Refusal session_closed, instead of not_found, where the conversation is archived.
    """
    with open_or_refused(call, session_id):
        act()
    return present_view(call, session_id)


@contextmanager
def open_or_refused(call: Call, session_id: str) -> Iterator[None]:
    """Turn "unknown" into Refusal session_closed where the conversation is archived."""
    try:
        yield
    except NotFound:
        raise _gone(call, session_id) from None
    except Refusal as refusal:
        if refusal.code == "not_found":
            raise _gone(call, session_id, refusal) from None
        raise


def _gone(call: Call, session_id: str, refusal: Refusal | None = None) -> Refusal:
    if call.account.records.session(call.account.appid, session_id) is not None:
        return Refusal("session_closed", "The conversation is closed.")
    return refusal or Refusal("not_found", "There is no such conversation.")
