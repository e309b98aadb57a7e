"""Close conversations, in every way they end, and fill the seats that this frees."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from app.account import Account
from app.conversations import ratings
from app.conversations.commit import transition
from app.conversations.seating import drain
from app.refusals import Refusal
from sessions.change import Change, Notice
from sessions.machine import CLOSE_REASONS, Details, Event, apply
from sessions.messages import SystemLine
from sessions.model import CloseReason, NotFound, Session, State, StoreDown, StoreRefused
from sessions.store.conversations import Loaded

MINUTE_MS = 60_000

NOTICE_NEEDS = 2
"""An automatic notice leaves at least one reply for a human."""

TOLD = {
    Event.CLOSED_BY_AGENT: "close",
    Event.IDLE: "idle_close",
    Event.IDLE_UNANSWERED: "idle_close",
    Event.MISSED: "missed",
}
"""The notice that the customer gets while the window is open and replies are left."""


def close_by_agent(
    account: Account,
    session_id: str,
    kf_account: str,
    seen_seq: int | None = None,
    note: str = "",
    survey: bool = False,
) -> Session:
    """Close the conversation for its owner, with a note for colleagues; ``survey`` asks the customer to rate.

    With ``seen_seq`` it is refused if the customer wrote after that message.
    """

    def decide(loaded: Loaded) -> Change:
        session = loaded.session
        if session.is_open and session.kf_account != kf_account:
            raise Refusal("not_owner", "Another agent serves this conversation now.")
        if seen_seq is not None and session.last_direction == "in" and session.seq > seen_seq:
            _check_nothing_newer(account, session, seen_seq)
        change = _change(
            account, loaded, Event.CLOSED_BY_AGENT, by=kf_account, guard=True, note=note
        )
        asked = ratings.question(account, session) if survey else None
        return replace(change, notice=asked) if asked else change

    return _closed(account, transition(account.store, session_id, decide).after)


def close_by_supervisor(account: Account, session_id: str, by: str) -> Session:
    """Close the conversation for a supervisor, in whatever state it is."""

    def decide(loaded: Loaded) -> Change:
        return _change(account, loaded, Event.CLOSED_BY_SUPERVISOR, by=by)

    return _closed(account, transition(account.store, session_id, decide).after)


def cancelled(account: Account, session_id: str) -> bool:
    """Close the conversation of a customer who leaves the queue.

    Returns False if an agent took them concurrently. A repeat returns the same.
    """

    def decide(loaded: Loaded) -> Change | None:
        if loaded.session.state is not State.WAITING:
            return None
        return _change(account, loaded, Event.CLOSED_BY_CUSTOMER)

    try:
        if transition(account.store, session_id, decide):
            return True
        return account.store.load(session_id).session.close_reason == CloseReason.CUSTOMER
    except NotFound:
        return True
    except Refusal as refusal:
        if refusal.code != "not_found":
            raise
        return True


def unsubscribed(account: Account, session_id: str) -> None:
    """Close the conversation in which its customer left the account; nothing can be sent to them.

    A repeated delivery finishes what the first one left undone. It changes nothing once the conversation is
    closed, or once the customer follows again.
    """

    def decide(loaded: Loaded) -> Change | None:
        if not loaded.session.is_open or loaded.customer.subscribed is not False:
            return None
        return _change(account, loaded, Event.UNSUBSCRIBED)

    try:
        change = transition(account.store, session_id, decide)
        session = change.after if change else account.store.load(session_id).session
    except NotFound:
        return
    except Refusal as refusal:
        if refusal.code != "not_found":
            raise
        return
    if not session.is_open:
        _closed(account, session)


def timed_change(account: Account, loaded: Loaded, event: Event) -> Change:
    """Return the change that a due timer makes; it is refused if the customer has written since."""
    return _change(account, loaded, event, guard=True)


def seat_freed(account: Account, kf_accounts: frozenset[str]) -> None:
    """Seat waiting customers on freed seats, unless the agent is not connected.

    The step that freed them is committed: a store that refuses to fill them (its memory is full) does not
    make it fail, and the next sweep fills them.
    """
    for kf_account in kf_accounts:
        agent = account.attendance.agent(kf_account)
        if agent is not None and agent.serving:
            with contextlib.suppress(StoreDown, StoreRefused):
                drain(account, kf_account)


def _change(
    account: Account,
    loaded: Loaded,
    event: Event,
    *,
    by: str = "",
    guard: bool = False,
    note: str = "",
) -> Change:
    session = loaded.session
    after = apply(session, event, loaded.now_ms, Details(by=by))
    minutes = account.store.deadlines.idle_ms // MINUTE_MS or 1
    text = account.notices(TOLD[event], minutes=minutes) if event in TOLD else ""
    said = {"reason": CLOSE_REASONS[event].value, "by": by} | ({"note": note} if note else {})
    return Change(
        session,
        after,
        lines=(SystemLine("closed", said),),
        notice=Notice(text, NOTICE_NEEDS) if text else None,
        guard_in_seq=guard,
    )


def _closed(account: Account, session: Session) -> Session:
    account.wake_sender()
    if session.kf_account:
        seat_freed(account, frozenset({session.kf_account}))
    return session


def _check_nothing_newer(account: Account, session: Session, seen_seq: int) -> None:
    newer = account.queries.messages(session.id, seen_seq, 50)
    if any(message["direction"] == "in" for message in newer):
        raise Refusal("newer_message", "The customer has written since; read it before closing.")
