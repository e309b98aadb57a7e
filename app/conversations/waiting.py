"""What a sweep does for those who wait: groups hand on, reply windows that end come forward.

Idempotent like every sweep: each step loads, decides and commits by version.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.account import Account
from app.conversations.assignment import choose, wish_for
from app.conversations.commit import transition
from app.conversations.placing import held_back, staffed_group
from app.refusals import Refusal
from sessions.change import Change
from sessions.deadlines import MOVES_MAX, Rearm
from sessions.entry import WINDOW_MS
from sessions.machine import Details, Event, apply_all
from sessions.messages import SystemLine
from sessions.model import Customer, Session, State, Trigger
from sessions.store.conversations import Loaded, NoRoom

BATCH: Final = 200
"""Waiting conversations of one group looked at by one sweep; the next goes on."""

URGENT_MS: Final = 2 * 3600 * 1000
"""A conversation whose reply window ends within this time comes forward."""

Steps = list[tuple[Event, Details]]


def tend(account: Account, now_ms: int) -> None:
    """Every queue once. Raises StoreDown, StoreRefused."""
    for group, length in account.queries.queue_lengths().items():
        if length:
            hand_on(account, group, now_ms)
            bring_forward(account, group, now_ms)


def hand_on(account: Account, group: str, now_ms: int) -> int:
    """Customers of a group that cannot serve them go to its fallback; how many.

    All of them where the group has no members (or, without ``fallback_after_s``, nobody online); else
    those who waited so long, as far as somebody of the fallback has a free seat.
    """
    home = staffed_group(account, group, now_ms)
    if home != group:
        ids = account.queries.waiting([group], BATCH)
        return sum(_move_queue(account, sid, group, home) for sid in ids)
    found = account.plan().group(group)
    after_s = found.fallback_after_s
    if not found.fallback or after_s is None or held_back(account, group, now_ms):
        return 0
    moved = 0
    for session in account.queries.sessions(account.queries.waiting([group], BATCH)):
        if now_ms - session.waiting_since_ms < after_s * 1000:
            continue
        if not _seat_elsewhere(account, session, found.fallback):
            break
        moved += 1
    return moved


def ask_for(account: Account, session_id: str, group: str, operation: str) -> bool:
    """One who waits and asks for a group by a word goes to its queue, where his arrival and priority put him.

    It counts as a move by rule. False where he does not wait, waits there already, or was moved enough.
    """

    def decide(loaded: Loaded) -> Change | None:
        session = loaded.session
        if session.state is not State.WAITING or session.group == group:
            return None
        if session.moves >= MOVES_MAX:
            return None
        change = _handed_on(loaded, [(Event.HANDED_ON, Details(group=group))], "keyword")
        counted = replace(change.after, moves=session.moves + 1)
        return replace(change, after=counted, operation=operation)

    try:
        return transition(account.store, session_id, decide) is not None
    except Refusal:
        return False


def bring_forward(account: Account, group: str, now_ms: int) -> int:
    """Those who could soon not be answered any more go before the others; how many."""
    latest_ms = now_ms - (WINDOW_MS - URGENT_MS)
    moved = 0
    for row in account.queries.rows(account.queries.queued_before(group, latest_ms, BATCH)):
        left_ms = window_ends_ms(row.customer) - now_ms
        if 0 < left_ms <= URGENT_MS and account.store.bring_forward(row.session):
            account.stream.tell("session.updated", "", {"sid": row.session.id, "g": group})
            moved += 1
    return moved


def spared(account: Account, loaded: Loaded) -> Rearm | None:
    """A group that keeps hours gives nobody up for lost while it may still answer him."""
    if account.plan().group(loaded.session.group).hours is None:
        return None
    ends_ms = window_ends_ms(loaded.customer)
    return Rearm(ends_ms) if ends_ms > loaded.now_ms else None


def window_ends_ms(customer: Customer) -> int:
    """Until when the customer's last message may be answered; 0 without one."""
    ends = (b.ends_ms for b in customer.buckets if b.trigger is Trigger.MESSAGE)
    return max(ends, default=0)


def _move_queue(account: Account, session_id: str, group: str, home: str) -> bool:
    """Into the fallback's queue, at the place that his arrival and priority give him there."""
    return _step(
        account, session_id, group, [(Event.HANDED_ON, Details(group=home))], "nobody_there"
    )


def _seat_elsewhere(account: Account, session: Session, fallback: str) -> bool:
    """At an agent of the fallback group who has room, if there is one."""
    customer, now_ms = account.store.customer(session.openid)
    target_group = staffed_group(account, fallback, now_ms)
    wish = wish_for(account, customer, target_group, now_ms, session.excluded)
    choice = choose(account, wish)
    if not choice.kf_account:
        return False
    steps = [
        (Event.HANDED_ON, Details(group=target_group)),
        (Event.SEATED, Details(kf_account=choice.kf_account)),
    ]
    return _step(account, session.id, session.group, steps, "waited", choice.card)


def _step(
    account: Account, session_id: str, group: str, steps: Steps, why: str, card: str = ""
) -> bool:
    """Commits the steps if the customer still waits in the group."""

    def decide(loaded: Loaded) -> Change | None:
        session = loaded.session
        if session.state is not State.WAITING or session.group != group:
            return None
        return replace(_handed_on(loaded, steps, why), card=card)

    try:
        return transition(account.store, session_id, decide) is not None
    except (NoRoom, Refusal):
        return False


def _handed_on(loaded: Loaded, steps: Steps, why: str) -> Change:
    """To another group, queued or seated; who lost his agent stands at the head there too."""
    session = loaded.session
    after = apply_all(session, steps, loaded.now_ms)
    line = SystemLine("handed_on", {"from": session.group, "to": after.group, "why": why})
    return Change(session, after, lines=(line,), at_head=session.first_assigned_ms > 0)
