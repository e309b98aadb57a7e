"""Tend the queues in a sweep: hand customers on, and bring forward those whose reply window ends.

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
"""Waiting conversations of one group that one sweep reads; the next continues."""

URGENT_MS: Final = 2 * 3600 * 1000
"""A conversation whose reply window ends within this time, ms, is brought forward."""

Steps = list[tuple[Event, Details]]


def tend(account: Account, now_ms: int) -> None:
    """Tend every queue once. Raises StoreDown, StoreRefused."""
    for group, length in account.queries.queue_lengths().items():
        if length:
            hand_on(account, group, now_ms)
            bring_forward(account, group, now_ms)


def hand_on(account: Account, group: str, now_ms: int) -> int:
    """Hand customers of a group that cannot serve them on to its fallback. Returns how many.

    Without members (or, without ``fallback_after_s``, without anybody online) all are handed on; else those
    who waited that long, as far as the fallback has free seats.
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
    """Move a waiting customer to the queue of the group that their message names, at their place there.

    It counts as a move by rule. Returns False where they do not wait, wait there already, or were moved
    often enough.
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
    """Bring forward those whose reply window ends soon. Returns how many."""
    latest_ms = now_ms - (WINDOW_MS - URGENT_MS)
    moved = 0
    for row in account.queries.rows(account.queries.queued_before(group, latest_ms, BATCH)):
        left_ms = window_ends_ms(row.customer) - now_ms
        if 0 < left_ms <= URGENT_MS and account.store.bring_forward(row.session):
            account.stream.tell("session.updated", "", {"sid": row.session.id, "g": group})
            moved += 1
    return moved


def spared(account: Account, loaded: Loaded) -> Rearm | None:
    """Return a later end for a customer of a group with opening hours, who may still be answered.

    Such a group closes nobody as missed before their reply window ends."""
    if account.plan().group(loaded.session.group).hours is None:
        return None
    ends_ms = window_ends_ms(loaded.customer)
    return Rearm(ends_ms) if ends_ms > loaded.now_ms else None


def window_ends_ms(customer: Customer) -> int:
    """Return until when the customer's last message may be answered, ms; 0 without one."""
    ends = (b.ends_ms for b in customer.buckets if b.trigger is Trigger.MESSAGE)
    return max(ends, default=0)


def _move_queue(account: Account, session_id: str, group: str, home: str) -> bool:
    """Move the customer to the fallback's queue, at the place of their arrival and priority."""
    return _step(
        account, session_id, group, [(Event.HANDED_ON, Details(group=home))], "nobody_there"
    )


def _seat_elsewhere(account: Account, session: Session, fallback: str) -> bool:
    """Seat the customer at an agent of the fallback group with a free seat, if there is one."""
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
    """Commit the steps if the customer still waits in the group. Returns whether they were committed."""

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
    """Return the change to another group; customers who lost their agent go to the head there, too."""
    session = loaded.session
    after = apply_all(session, steps, loaded.now_ms)
    line = SystemLine("handed_on", {"from": session.group, "to": after.group, "why": why})
    return Change(session, after, lines=(line,), at_head=session.first_assigned_ms > 0)
