"""Pick who takes a conversation over: an agent of the group with a free seat, idle ones first."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from app.account import Account
from sessions.model import Session

RATED_MIN: Final = 5
"""Ratings that an agent must have before their mean counts."""


@dataclass(frozen=True, slots=True)
class Pick:
    """The agent who is to take over ("" if nobody can), and the explanation card."""

    kf_account: str
    card: str


def idle_first(
    account: Account, session: Session, group: str, why: str, tried: Iterable[str] = ()
) -> Pick:
    """Pick the least busy agent of the group who may take it, in ring order among equals."""
    roster = account.attendance.roster()
    order = {name: place for place, name in enumerate(roster.ring(group).walk(session.openid))}
    crowd = account.seats.crowd(group, list(order))
    not_for = session.excluded | {session.kf_account, *tried}
    badly = badly_rated(account, order)
    rows: list[dict[str, Any]] = []
    for name in order:
        seats = _seats(account, name, crowd.now_ms)
        reason = "excluded" if name in not_for else "rating" if name in badly else ""
        skip = reason or ("full" if crowd.loads[name] >= seats else "")
        rows.append({"kf_account": name, "load": crowd.loads[name], "seats": seats, "skip": skip})
    rows.sort(key=lambda r: (r["load"] / max(1, r["seats"]), order[r["kf_account"]]))
    chosen = next((r["kf_account"] for r in rows if not r["skip"]), "")
    return Pick(chosen, _card(session, group, why, rows, chosen, crowd.now_ms))


def with_room(account: Account, group: str) -> frozenset[str]:
    """Return the agents of the group who have a free seat: no pick finds anybody else."""
    names = [name for name, _ in account.attendance.roster().ring(group).weights]
    crowd = account.seats.crowd(group, names)
    return frozenset(
        name for name in names if crowd.loads[name] < _seats(account, name, crowd.now_ms)
    )


def badly_rated(account: Account, kf_accounts: Iterable[str]) -> frozenset[str]:
    """Return the agents whose mean rating is below the threshold; nobody while the rule is off."""
    threshold = account.transfer_rules().rating_below
    if not threshold:
        return frozenset()
    found = account.seats.ratings(kf_accounts)
    return frozenset(
        name for name, r in found.items() if r.count >= RATED_MIN and r.mean < threshold
    )


def _seats(account: Account, kf_account: str, now_ms: int) -> int:
    """Return the agent's seats now, 0 where they may be given nobody."""
    agent = account.attendance.agent(kf_account)
    return agent.seat.seats_at(now_ms) if agent and agent.serving else 0


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
