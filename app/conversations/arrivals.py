"""A customer's push arrives: recorded, and where it opens a conversation, an agent is chosen."""

from __future__ import annotations

import json
import time

from app.account import Account
from app.conversations import closing, rule_transfers
from app.conversations.assignment import Choice, choose, place_of, wish_for
from sessions.entry import Entry, entry_of
from sessions.model import Inbound, Outcome, StoreDown
from sessions.store import Newcomer, Opening

DEADLINE_S = 1.0
"""A further round trip is begun only within this time, so that with its own limit of 1 s all ends in 2 s."""


def receive(account: Account, push: Inbound) -> Outcome:
    """What the push led to; a repeated delivery gets the first one's outcome.

    One round trip for an open conversation, three for a new one. Raises StoreDown, StoreRefused.
    """
    started = time.monotonic()
    entry = entry_of(push, account.policy.opening_keys, account.policy.reply_budget)
    got = account.store.receive(push, entry)
    if isinstance(got, Newcomer):
        _in_time(started)
        got = _open(account, push, entry, got, started)
    else:
        rule_transfers.heard(account, push, got)
    if push.event == "unsubscribe":
        _in_time(started)
        closing.unsubscribed(account, push.openid)
    return got


def _open(
    account: Account, push: Inbound, entry: Entry, newcomer: Newcomer, started: float
) -> Outcome:
    customer, now_ms = newcomer.customer, newcomer.now_ms
    facts = dict(customer.facts) | {"source": push.event_key, "previous_agent": customer.last_kf}
    place = place_of(account, facts, now_ms)
    choice = choose(account, wish_for(account, customer, place.group, now_ms))
    _in_time(started)
    reopened = now_ms - customer.last_closed_ms < account.policy.reopen_ms
    opening = Opening(
        group=choice.group,
        priority=place.priority,
        score_credit_ms=place.priority * account.policy.priority_credit_ms,
        candidates=choice.ranked,
        queue_max=account.policy.queue_max,
        previous=customer.last_session if reopened else "",
        notices=_notices(choice),
        card=choice.card,
    )
    outcome = account.store.open(push, entry, opening)
    if outcome.kf_account != choice.kf_account and not outcome.repeated:
        _correct_card(account, choice, outcome)
    return outcome


def _correct_card(account: Account, choice: Choice, outcome: Outcome) -> None:
    """The atomic step met other numbers than the decision: the explanation follows what was done."""
    done = {"chosen": outcome.kf_account or None, "result": outcome.result}
    card = json.loads(choice.card) | done | {"corrected": "numbers changed while deciding"}
    account.store.put_card(outcome.session_id, json.dumps(card, ensure_ascii=False))


def _notices(choice: Choice) -> dict[str, str]:
    """Which text rides on the passive reply: nothing when served at once."""
    return {
        "seated": "serving",
        "queued": "queue" if choice.staffed else "away",
        "full": "queue_full",
    }


def _in_time(started: float) -> None:
    if time.monotonic() - started > DEADLINE_S:
        raise StoreDown("the store is too slow for the callback's deadline")
