"""Move conversations by rule: unanswered, served very long, asked for by the customer, a badly rated agent.

The target is an agent of the group with a free seat, idle ones first, never the present or a former owner.
Where nobody can take it, a conversation stays where it is. A rule moves it twice at most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from app.account import Account
from app.conversations.closing import seat_freed
from app.conversations.commit import transition
from app.conversations.picks import Pick, badly_rated, idle_first
from app.conversations.placing import staffed_group, takes_now
from app.conversations.transfers import drain_everywhere
from app.conversations.waiting import ask_for
from app.refusals import Refusal
from sessions.change import Change, with_exclusion
from sessions.deadlines import MOVES_MAX
from sessions.machine import Details, Event, apply_all
from sessions.messages import SystemLine
from sessions.model import Inbound, Outcome, Session, State
from sessions.store.conversations import Loaded, NoRoom

HEADS: Final = 200
"""Waiting conversations of each group that one sweep reads."""


@dataclass(frozen=True, slots=True)
class Reason:
    """The reason of a move: ``why`` for the line and the card, ``group`` "" is the conversation's own.

    ``holds`` is checked again with each loaded state; ``operation`` makes a repeated delivery harmless.
    """

    why: str
    group: str = ""
    holds: Callable[[Loaded], bool] = lambda loaded: True
    operation: str = ""


def move(account: Account, session_id: str, reason: Reason) -> str:
    """Move the conversation. Returns its new owner, "" where nothing changed."""
    tried: set[str] = set()
    while True:
        target, owner = "", ""

        def decide(loaded: Loaded) -> Change | None:
            nonlocal target, owner
            session, target = loaded.session, ""
            if not movable(session) or not reason.holds(loaded):
                return None
            group = staffed_group(account, reason.group or session.group)
            pick = idle_first(account, session, group, reason.why, tried)
            target, owner = pick.kf_account, session.kf_account
            return _moved(loaded, pick, group, reason) if target else None

        try:
            transition(account.store, session_id, decide)
        except NoRoom:
            tried.add(target)
            continue
        except Refusal as refusal:
            if refusal.code not in ("not_found", "session_closed", "conflict"):
                raise
            return ""
        if target:
            seat_freed(account, frozenset({owner}))
        return target


def movable(session: Session) -> bool:
    """Return whether a rule may move the conversation at all."""
    return session.state is State.SERVING and session.moves < MOVES_MAX


def named_group(account: Account, push: Inbound) -> str:
    """Return the group that the customer's message names, while it takes customers; "" without one.

    A message that names the default group takes nobody out of the group that their facts gave them.
    """
    if push.kind != "message" or push.type != "text":
        return ""
    group = account.transfer_rules().group_for(push.text)
    if not group or group == account.plan().routing.default_group:
        return ""
    return group if takes_now(account, group) else ""


def heard(account: Account, push: Inbound, outcome: Outcome) -> None:
    """Move the customer of an open conversation to the group that their message names.

    A waiting customer goes to that group's queue, a served one to an agent of it. A repeated delivery moves
    nothing twice.
    """
    group = named_group(account, push) if outcome.result == "appended" else ""
    if not group:
        return
    operation = f"keyword:{push.dedup_key}"
    if ask_for(account, outcome.session_id, group, operation):
        drain_everywhere(account, only=account.attendance.roster().online_in(group))
        return

    def elsewhere(loaded: Loaded) -> bool:
        return group not in account.groups_of(loaded.session.kf_account)

    move(account, outcome.session_id, Reason("keyword", group, elsewhere, operation))


def move_from_badly_rated(account: Account) -> int:
    """Move the conversations of agents rated below the account's threshold. Returns how many were moved."""
    below = badly_rated(account, account.attendance.agents())
    moved = 0
    for kf_account in sorted(below):
        for session in account.queries.sessions(account.queries.mine(kf_account)):
            if session.kf_account == kf_account and movable(session):
                reason = Reason("rating", holds=_owned_by(kf_account))
                moved += bool(move(account, session.id, reason))
    return moved


def admit_excluded(account: Account) -> int:
    """Admit agents who declined or did not answer before, where nobody else is online. Returns how many.

    Without this a conversation could wait for ever.
    """
    admitted = 0
    waiting = [group for group, count in account.queries.queue_lengths().items() if count]
    roster = account.attendance.roster()
    for session in account.queries.sessions(account.queries.waiting(waiting, HEADS)):
        there = frozenset(roster.online_in(session.group))
        if session.state is State.WAITING and there and there <= session.excluded:
            admitted += _admit(account, session.id, there)
    return admitted


def _admit(account: Account, session_id: str, there: frozenset[str]) -> int:
    def decide(loaded: Loaded) -> Change | None:
        session = loaded.session
        if session.state is not State.WAITING or not there <= session.excluded:
            return None
        left = ",".join(sorted(session.excluded - there))
        return Change(session, replace(session, exclude=left))

    try:
        return int(transition(account.store, session_id, decide) is not None)
    except Refusal:
        return 0


def _moved(loaded: Loaded, pick: Pick, group: str, reason: Reason) -> Change:
    session = loaded.session
    asked = Details(kf_account=pick.kf_account, group=group, by=reason.why)
    steps = [(Event.TRANSFER_ASKED, asked), (Event.TRANSFER_CONFIRMED, Details())]
    after = apply_all(session, steps, loaded.now_ms)
    after = with_exclusion(replace(after, moves=session.moves + 1), [session.kf_account])
    said = {"by": session.kf_account, "to": pick.kf_account, "why": reason.why}
    return Change(
        session,
        after,
        lines=(SystemLine("moved", said),),
        guard_asked=True,
        card=pick.card,
        operation=reason.operation,
    )


def _owned_by(kf_account: str) -> Callable[[Loaded], bool]:
    return lambda loaded: loaded.session.kf_account == kf_account
