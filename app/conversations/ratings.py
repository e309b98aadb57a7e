"""Satisfaction surveys: asked at the closing, answered once, never a new conversation."""

from __future__ import annotations

import json
from typing import Any, Final

from app.account import Account
from app.conversations.views import archived_view
from sessions import survey
from sessions.change import Notice
from sessions.entry import Entry
from sessions.model import Inbound, Outcome, Session

NEEDS: Final = 1
"""The survey may take the last reply, as nobody else needs it after the closing."""

BATCH: Final = 200


def question(account: Account, session: Session) -> Notice | None:
    """Return the survey of a conversation, None where its text is switched off."""
    agent = account.attendance.agent(session.kf_account)
    name = agent.seat.nickname if agent else ""
    head = account.notices("survey", agent=name)
    if not head:
        return None
    words = account.notices("survey_scores").split("|")
    labels = dict(zip(survey.SCORES, [*words, "", "", "", "", ""], strict=False))
    tail = account.notices("survey_tail")
    return Notice(head, NEEDS, survey.menu(session.id, head, labels, tail))


def heard(account: Account, push: Inbound, entry: Entry) -> Outcome | None:
    """Return the outcome of an answer to a survey, None where the message is no answer. Raises StoreDown."""
    answer = survey.answer_of(push)
    if answer is None:
        return None
    return account.store.rate(push, entry, answer, account.notices("survey_thanks"))


def keep(account: Account) -> int:
    """Move ratings to SQL once their conversations are stored there. Returns how many."""
    kept = 0
    for session_id, rating in account.queries.rated(BATCH).items():
        view = account.records.rate(account.appid, session_id, json.loads(rating))
        if view is None:
            continue
        account.store.rating_kept(session_id)
        _tell(account, view)
        kept += 1
    return kept


def _tell(account: Account, view: dict[str, Any]) -> None:
    """Notify the desks; the event carries the conversation, which is no longer in Redis."""
    text = json.dumps(archived_view(view), ensure_ascii=False)
    values = {"sid": view["id"], "view": text}
    account.stream.tell("session.updated", view["kf_account"] or "", values)
