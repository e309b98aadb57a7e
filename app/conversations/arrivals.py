"""Record a customer's push, and choose an agent where it opens a conversation."""

from __future__ import annotations

import json
import time
from dataclasses import replace

from app.account import Account
from app.conversations import automatic_transfers as rule_transfers
from app.conversations import closing, ratings
from app.conversations import meaning as words
from app.conversations.assignment import Decision, decision
from app.conversations.placing import CLOSED, MANUAL
from sessions.entry import Entry, entry_of, source_of
from sessions.model import Inbound, Outcome, StoreDown
from sessions.store.conversations import Newcomer, Opening

DEADLINE_S = 1.0
"""Seconds within which a further round trip may begin: with its own limit of 1 s everything ends in 2 s."""


def receive(account: Account, push: Inbound) -> Outcome:
    """Return the outcome of the push; a repeated delivery gets the outcome of the first.

    One round trip for an open conversation, three for a new one. Raises StoreDown, StoreRefused.
    """
    started = time.monotonic()
    keys = account.policy.opening_keys.union(account.plan().routing.entry.menu_keys)
    entry = entry_of(push, keys, account.policy.reply_budget)
    rated = ratings.heard(account, push, entry)
    if rated is not None:
        return rated
    ask = words.asked_while_waiting(push)
    got = account.store.receive(push, entry, ask, _online_seats(account) if ask else None)
    if isinstance(got, Newcomer):
        _in_time(started)
        got = _begin(account, push, entry, got, started)
    rule_transfers.heard(account, push, got)
    if got.result == "cancel_asked":
        _in_time(started)
        got = _cancel(account, push, got)
    if push.event == "unsubscribe":
        if got.session_id:
            _in_time(started)
            closing.unsubscribed(account, got.session_id)
    elif not got.repeated and account.plan().routing.asks("tags_any"):
        account.noticed(push)
    return got


def _begin(
    account: Account, push: Inbound, entry: Entry, newcomer: Newcomer, started: float
) -> Outcome:
    """Open a conversation, or only answer where the customer has to ask for a person first."""
    customer, now_ms = newcomer.customer, newcomer.now_ms
    plan = account.plan()
    named = rule_transfers.named_group(account, push)
    made = decision(account, customer, now_ms, source_of(push), named=named)
    _in_time(started)
    if words.on_request(plan, made.place.group) and not words.requests_person(plan.routing, push):
        text = words.answer_to(plan.routing, push)
        told = replace(entry, opens=False, notice="" if text else "on_request", text=text)
        got = account.store.receive(push, told)
        assert isinstance(got, Outcome)
        return got
    reopened = now_ms - customer.last_closed_ms < account.policy.reopen_ms
    return _open(account, push, entry, made, customer.last_session if reopened else "")


def _open(account: Account, push: Inbound, entry: Entry, made: Decision, previous: str) -> Outcome:
    place, choice = made.place, made.choice
    opening = Opening(
        group=choice.group,
        priority=place.priority,
        score_credit_ms=place.priority * account.policy.priority_credit_ms,
        candidates=choice.ranked,
        queue_max=account.policy.queue_max,
        previous=previous,
        notices=_notices(made),
        texts=_texts(account, made),
        card=json.dumps(made.card, ensure_ascii=False),
        chosen=choice.kf_account,
        seats=choice.seats,
    )
    return account.store.open(push, entry, opening)


def _cancel(account: Account, push: Inbound, asked: Outcome) -> Outcome:
    """Take the customer out of the queue, unless an agent has taken them concurrently."""
    left = closing.cancelled(account, asked.session_id)
    result, notice = ("cancelled", "cancelled") if left else ("appended", "")
    outcome = replace(asked, result=result, notice=notice)
    account.store.settle_outcome(push, outcome)
    return outcome


def _notices(made: Decision) -> dict[str, str]:
    """Return which notice the passive reply carries, by result."""
    waits = made.choice.staffed or made.choice.held == MANUAL
    return {"seated": "serving", "queued": "queue" if waits else "away", "full": "queue_full"}


def _texts(account: Account, made: Decision) -> dict[str, str]:
    """Return the texts that are known in full: the rule's greeting, the text of a closed group."""
    texts = {"seated": made.place.greeting}
    if made.choice.held == CLOSED:
        texts["queued"] = words.closed_text(account, made.place.group, made.place.opening.opens_ms)
    return {result: text for result, text in texts.items() if text}


def _online_seats(account: Account) -> dict[str, int]:
    roster = account.attendance.roster()
    return {group: roster.weight_of(group) for group in roster.rings}


def _in_time(started: float) -> None:
    if time.monotonic() - started > DEADLINE_S:
        raise StoreDown("the store is too slow for the callback's deadline")
