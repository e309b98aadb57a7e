"""Field C: what counts against an agent's limit, and who wins where many want the same customer."""

from __future__ import annotations

from collections import Counter
from functools import partial

from app.conversations import closing, transfers
from app.conversations.timers import sweep as sweeps
from sessions.model import Session, State
from tests.conversations.conftest import Office
from tests.stories.conftest import GROUP, Operator
from tests.stories.test_fairness import AGENTS, at_once, check_promises

NOW = 2**53


def test_chatwoot_1275_an_agents_limit_counts_over_all_his_groups(
    office: Office, operator: Operator
) -> None:
    office.agent("both@x", seats=3, groups=[GROUP, "premium_support"])
    results = []
    for n in range(6):
        operator.routing(default_group=("premium_support", GROUP)[n % 2])
        results.append(office.says(f"o{n}").result)
    assert results == ["seated"] * 3 + ["queued"] * 3
    assert len(office.account.seats.held("both@x")) == 3
    check_promises(office)


def test_rocketchat_20945_a_silent_customer_holds_his_seat_for_the_idle_time_and_no_longer(
    office: Office,
) -> None:
    office.agent("a@x", seats=1)
    silent = office.says("o1").session_id
    office.replies(silent, "a@x", "请稍等")
    waiting = office.says("o2").session_id
    sweeps.run_timers(office.account, office.account.store.now_ms())
    assert office.session(waiting).state is State.WAITING
    office.timer_due(silent, "idle")
    sweeps.run_timers(office.account, NOW)
    assert office.session(silent).close_reason == "idle"
    assert office.session(waiting).kf_account == "a@x"


def test_zendesk_5308501814042_signing_in_seats_no_more_than_the_limit_however_silent_the_rest(
    office: Office,
) -> None:
    office.agent("a@x", seats=2)
    silent = office.says("o1").session_id
    office.replies(silent, "a@x", "请稍等")
    office.vanishes("a@x")
    waiting = [office.says(f"w{n}").session_id for n in range(4)]
    office.comes("a@x")
    assert office.account.seats.held("a@x") == {silent, waiting[0]}
    office.says("o1", "我回来了")
    assert len(office.account.seats.held("a@x")) == 2


def test_fazer_ai_359_of_many_who_take_from_the_list_one_wins_each_customer_and_keeps_him(
    office: Office, operator: Operator
) -> None:
    operator.group(GROUP, assign="manual")
    for name in AGENTS:
        office.agent(name, seats=4)
    chats = [office.says(f"o{n}").session_id for n in range(20)]
    acts = [
        partial(transfers.take, office.account, chat, name) for chat in chats for name in AGENTS
    ]
    answers = at_once(acts)
    won = Counter(a.id for a in answers if isinstance(a, Session))
    assert set(won.values()) == {1} and len(won) == 16
    codes = {a for a in answers if not isinstance(a, Session)}
    assert codes <= {"not_waiting", "agent_full", "conflict"}
    sessions = check_promises(office)
    assert {s.owner_epoch for s in sessions if s.state is State.SERVING} == {1}


def test_freescout_3684_the_busy_one_gets_nobody_until_the_others_have_caught_up(
    office: Office,
) -> None:
    office.agent("busy@x", seats=20)
    for n in range(4):
        assert office.says(f"early{n}").kf_account == "busy@x"
    for name in ("b@x", "c@x", "d@x"):
        office.agent(name, seats=20)
    served = Counter(office.says(f"o{n}").kf_account for n in range(8))
    assert served["busy@x"] == 0
    assert max(served.values()) <= 4


def test_zammad_1581_whom_one_agent_serves_nobody_else_can_take(office: Office) -> None:
    office.agent("a@x")
    chat = office.says("o1").session_id
    office.agent("b@x")
    answers = at_once([partial(transfers.take, office.account, chat, "b@x")] * 6)
    assert set(answers) == {"not_waiting"}
    closing.close_by_agent(office.account, chat, "a@x")
    assert at_once([partial(transfers.take, office.account, chat, "b@x")]) == ["session_closed"]
