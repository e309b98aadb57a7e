"""A rule moves a conversation: unanswered, served very long, a word of the customer, a badly rated agent.

To an agent of the group with a free seat, idle ones first, and at once; never to the present or a former
owner, nor to one who is offline or full. Where nobody can take it, it stays where it is. Twice per
conversation at most.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from app.account import Account
from app.conversations.closing import seat_freed
from app.conversations.placing import staffed_group
from app.conversations.retry import transition
from app.refusals import Refusal
from sessions.change import Change, with_exclusion
from sessions.deadlines import MOVES_MAX
from sessions.machine import Details, Event, apply_all
from sessions.messages import Line
from sessions.model import Inbound, Outcome, Session, State
from sessions.store import Loaded, NoRoom

RATED_MIN: Final = 5
"""Ratings an agent must have before their mean says anything."""

HEADS: Final = 200
"""Waiting conversations of each group looked at in one sweep."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a rule moves: ``why`` for the line and the card, ``group`` "" = the conversation's own.

    ``holds`` is asked again with each loaded state; ``operation`` makes a repeated delivery harmless.
    """

    why: str
    group: str = ""
    holds: Callable[[Loaded], bool] = lambda loaded: True
    operation: str = ""


@dataclass(frozen=True, slots=True)
class Pick:
    """Who is to take over ("" = nobody can) and the explanation of it."""

    kf_account: str
    card: str


def move(account: Account, session_id: str, reason: Reason) -> str:
    """The agent who has it now, "" where nothing changed."""
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
    """Whether a rule may move it at all."""
    return session.state is State.SERVING and session.moves < MOVES_MAX


def heard(account: Account, push: Inbound, outcome: Outcome) -> None:
    """A customer's word for which a rule names a group; a repeated delivery moves nothing twice."""
    if push.kind != "message" or push.type != "text" or outcome.result != "appended":
        return
    group = account.transfer_rules().group_for(push.text)
    if not group:
        return

    def elsewhere(loaded: Loaded) -> bool:
        wanted = staffed_group(account, group)
        return wanted not in account.groups_of(loaded.session.kf_account)

    operation = f"keyword:{push.dedup_key}"
    move(account, outcome.session_id, Reason("keyword", group, elsewhere, operation))


def move_from_badly_rated(account: Account) -> int:
    """Conversations of agents rated below the account's threshold go to others; how many went."""
    below = badly_rated(account, account.attendance.agents())
    moved = 0
    for kf_account in sorted(below):
        for session in account.reading.sessions(account.reading.mine(kf_account)):
            if session.kf_account == kf_account and movable(session):
                reason = Reason("rating", holds=_owned_by(kf_account))
                moved += bool(move(account, session.id, reason))
    return moved


def admit_excluded(account: Account) -> int:
    """Agents who once declined or did not answer may serve again where nobody else is there; how many.

    Without this a conversation could wait for nobody.
    """
    admitted = 0
    waiting = [group for group, count in account.reading.queue_lengths().items() if count]
    roster = account.attendance.roster()
    for session in account.reading.sessions(account.reading.waiting(waiting, HEADS)):
        there = frozenset(roster.online_in(session.group))
        if session.state is State.WAITING and there and there <= session.excluded:
            admitted += _admit(account, session.id, there)
    return admitted


def _admit(account: Account, session_id: str, there: frozenset[str]) -> int:
    done: list[bool] = []

    def decide(loaded: Loaded) -> Change | None:
        done.clear()
        session = loaded.session
        if session.state is not State.WAITING or not there <= session.excluded:
            return None
        done.append(True)
        left = ",".join(sorted(session.excluded - there))
        return Change(session, replace(session, exclude=left))

    try:
        transition(account.store, session_id, decide)
    except Refusal:
        return 0
    return len(done)


def badly_rated(account: Account, kf_accounts: Iterable[str]) -> frozenset[str]:
    """Those whose mean rating is below the threshold; nobody while the rule is off."""
    threshold = account.transfer_rules().rating_below
    if not threshold:
        return frozenset()
    found = account.seats.ratings(kf_accounts)
    return frozenset(
        name for name, r in found.items() if r.count >= RATED_MIN and r.mean < threshold
    )


def idle_first(
    account: Account, session: Session, group: str, why: str, tried: Iterable[str]
) -> Pick:
    """The least busy agent of the group who may take it, in ring order among equals."""
    roster = account.attendance.roster()
    order = {name: place for place, name in enumerate(roster.ring(group).walk(session.openid))}
    crowd = account.seats.crowd(group, list(order))
    not_for = session.excluded | {session.kf_account, *tried}
    badly = badly_rated(account, order)
    rows: list[dict[str, Any]] = []
    for name in order:
        agent = account.attendance.agent(name)
        seats = agent.seat.seats_at(crowd.now_ms) if agent and agent.serving else 0
        reason = "excluded" if name in not_for else "rating" if name in badly else ""
        skip = reason or ("full" if crowd.loads[name] >= seats else "")
        rows.append({"kf_account": name, "load": crowd.loads[name], "seats": seats, "skip": skip})
    rows.sort(key=lambda r: (r["load"] / max(1, r["seats"]), order[r["kf_account"]]))
    chosen = next((r["kf_account"] for r in rows if not r["skip"]), "")
    return Pick(chosen, _card(session, group, why, rows, chosen, crowd.now_ms))


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
        lines=(Line("moved", said),),
        guard_asked=True,
        card=pick.card,
        operation=reason.operation,
    )


def _card(
    session: Session, group: str, why: str, rows: list[dict[str, Any]], chosen: str, at_ms: int
) -> str:
    card = {
        "group": group,
        "result": "assign" if chosen else "stay",
        "chosen": chosen or session.kf_account,
        "reason": why,
        "candidates": [
            {n: v for n, v in row.items() if n != "skip"} | {"why": "idle"} for row in rows
        ],
        "skipped": [
            {"kf_account": r["kf_account"], "reason": r["skip"]} for r in rows if r["skip"]
        ],
        "at_ms": at_ms,
    }
    return json.dumps(card, ensure_ascii=False)


def _owned_by(kf_account: str) -> Callable[[Loaded], bool]:
    return lambda loaded: loaded.session.kf_account == kf_account
