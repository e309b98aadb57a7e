"""Two things at the same moment: the later one meets the fence it should, not the state it saw."""

from __future__ import annotations

import pytest

from app.conversations import arrivals, replies
from app.conversations.timers import sweep as sweeps
from app.refusals import Refusal
from sessions.change import Change
from sessions.entry import Entry
from sessions.messages import Outgoing
from sessions.model import Inbound, Outcome, State
from sessions.store.conversations import Opening, SessionStore
from tests.conversations.conftest import Office

NOW = 10**13


def test_a_customer_who_writes_while_the_sweep_decides_keeps_his_conversation(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    office.timer_due(sid, "idle")
    commit = SessionStore.commit
    wrote: list[str] = []

    def late(store: SessionStore, change: Change, operation: str = "") -> None:
        if not wrote:
            wrote.append(office.says("o1", "还在吗").session_id)
        commit(store, change, operation)

    monkeypatch.setattr(SessionStore, "commit", late)
    assert sweeps.run_timers(office.account, NOW) == 0
    assert wrote == [sid]
    assert office.session(sid).state is State.SERVING


def test_a_reply_written_under_an_earlier_ownership_is_refused_even_for_the_same_agent(
    office: Office,
) -> None:
    office.agent("a@x")
    sid = office.says("o1").session_id
    first = office.session(sid).owner_epoch
    office.vanishes("a@x")
    office.grace_over("a@x")
    sweeps.rescue_from_lost(office.account)
    office.comes("a@x")
    assert office.session(sid).kf_account == "a@x"
    late = Outgoing("c1", "text", "晚了")
    with pytest.raises(Refusal, match="not_owner"):
        replies.reply(office.account, sid, "a@x", "a", late, owner_epoch=first)
    now = office.session(sid).owner_epoch
    replies.reply(office.account, sid, "a@x", "a", late, owner_epoch=now)


def test_the_same_first_message_on_two_nodes_at_once_is_stored_once_with_one_answer(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.agent("a@x")
    push = office.push("o1")
    open_one = SessionStore.open
    other: list[Outcome] = []

    def late(store: SessionStore, push: Inbound, entry: Entry, opening: Opening) -> Outcome:
        monkeypatch.setattr(SessionStore, "open", open_one)
        other.append(arrivals.receive(office.account, push))
        return open_one(store, push, entry, opening)

    monkeypatch.setattr(SessionStore, "open", late)
    mine = arrivals.receive(office.account, push)
    assert mine.repeated
    assert (mine.session_id, mine.notice) == (other[0].session_id, other[0].notice)
    assert len(office.account.queries.messages(mine.session_id, 0, 10)) == 1
