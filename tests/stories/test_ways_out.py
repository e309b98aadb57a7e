"""No conversation is without a path out of its state, whatever agents and customers do."""

from __future__ import annotations

import itertools
from dataclasses import replace

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.conversations import closing, off_shift, transfers
from app.conversations.timers import sweep as sweeps
from app.conversations.waiting import tend
from app.refusals import Refusal
from routing.groups import Group
from routing.transfer_rules import Keyword, TransferRules
from sessions.machine import HOLDINGS, held_seats
from sessions.model import Session, State
from sessions.seats import Status
from tests.conversations.clockwork import passed
from tests.conversations.conftest import Office
from tests.stories.conftest import GROUP, Operator, check_explained

AGENTS = ("a@x", "b@x", "c@x")
NOW = 2**53
ACTS = (
    *("comes", "away", "offline", "vanishes", "lost", "writes", "answers", "unanswered"),
    *("writes", "writes", "too_long", "closes", "off_shift", "died_signing_off"),
    *("complains", "asks", "accepts", "declines"),
)
LEADS = "premium_support"
RULES = TransferRules((Keyword(("投诉",), LEADS),))
rounds = itertools.count()

life = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 2)), min_size=5, max_size=30)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example([("writes", 0), ("died_signing_off", 0), ("died_signing_off", 1), ("died_signing_off", 2)])
@given(life)
def test_every_open_conversation_is_served_by_somebody_there_or_finds_the_next_to_come(
    office: Office, life: list[tuple[str, int]]
) -> None:
    tag = next(rounds)
    policy = replace(office.account.policy, transfer_consent=True)
    office.account = replace(office.account, policy=policy, transfer_rules=lambda: RULES)
    names = [f"{tag}{name}" for name in AGENTS]
    for name, groups in zip(names, ([], [], [GROUP, LEADS]), strict=True):
        office.agent(name, groups=groups)
    for act, number in life:
        _do(office, act, names[number], names[(number + 1) % 3], f"o{tag}-{number}")
    for _ in range(3):
        sweeps.run_timers(office.account, NOW)
        for name in names:
            if not _there(office, name):
                office.grace_over(name)
        sweeps.look_after_agents(office.account, 1)
        transfers.drain_everywhere(office.account)
    _check(office, names)
    rescuer = office.agent(f"{tag}rescuer@x", seats=50, groups=[GROUP, LEADS])
    for _ in range(2):
        sweeps.look_after_agents(office.account, 1)
        transfers.drain_everywhere(office.account)
    for session in _open(office):
        assert session.state is not State.WAITING
        closing.close_by_supervisor(office.account, session.id, "boss")
    for name in [*names, rescuer]:
        assert office.account.seats.held(name) == set()
        change_off(office, name)


def change_off(office: Office, name: str) -> None:
    office.set(name, Status.OFFLINE)
    while office.account.attendance._streams[name] > 0:
        office.vanishes(name)


def _open(office: Office) -> list[Session]:
    return office.account.queries.sessions(office.account.queries.live(0, 1000))


def _there(office: Office, name: str) -> bool:
    agent = office.account.attendance.agent(name)
    return bool(agent and agent.present)


def _check(office: Office, names: list[str]) -> None:
    """Each has what its state holds, a deadline, an owner who is there, and a card that says so."""
    members = set(office.account.queries.due_timers(NOW, 10_000))
    for session in _open(office):
        check_explained(office, session)
        held = HOLDINGS[session.state]
        assert any(f"{session.id}:{timer.value}" in members for timer in held.timers)
        if held.queue_place:
            assert session.id in office.account.queries.waiting([session.group], 1000)
        for name in held_seats(session):
            seat = office.account.seats.read([name])[0]
            assert session.id in office.account.seats.held(name)
            assert _there(office, name) and seat.status is not Status.OFFLINE
    for name in names:
        assert len(office.account.seats.held(name)) <= 2


def _do(office: Office, act: str, name: str, colleague: str, openid: str) -> None:
    account = office.account
    held = sorted(account.seats.held(name))
    if act == "comes":
        office.comes(name)
    elif act in ("away", "offline"):
        if act == "away" or not held:
            office.set(name, Status(act))
    elif act in ("vanishes", "lost"):
        while account.attendance._streams[name] > 0:
            office.vanishes(name)
        if act == "lost":
            office.grace_over(name)
            sweeps.look_after_agents(account, 1)
    elif act in ("writes", "complains"):
        office.says(openid, "你好" if act == "writes" else "我要投诉")
    elif act == "off_shift":
        try:
            off_shift.announce(account, name, 0, {})
        except Refusal:
            return
        sweeps.look_after_agents(account, NOW)
    elif act == "died_signing_off":
        office.set(name, Status.OFFLINE)
    elif held:
        _with(office, act, name, colleague, held[0])


def _with(office: Office, act: str, name: str, colleague: str, session_id: str) -> None:
    account = office.account
    try:
        if act == "answers":
            office.replies(session_id, name)
        elif act == "closes":
            closing.close_by_agent(account, session_id, name)
        elif act == "asks":
            transfers.transfer(account, session_id, name, colleague, "", "")
        elif act in ("accepts", "declines"):
            answer = transfers.accept if act == "accepts" else transfers.decline
            answer(account, session_id, name)
        else:
            timer, ms = ("reply", 180_000) if act == "unanswered" else ("limit", 7_200_000)
            for _ in range(2):
                passed(office, session_id, timer, ms)
                sweeps.run_timers(office.account, NOW)
    except Refusal:
        return


def test_customers_of_a_group_that_is_gone_find_the_default_group(
    office: Office, operator: Operator
) -> None:
    operator.new_group(Group("gone"))
    operator.routing(default_group="gone")
    office.agent("a@x", seats=1, groups=["gone"])
    served, waiting = office.says("o1").session_id, office.says("o2").session_id
    operator.routing(default_group=GROUP)
    operator.remove_group("gone")
    office.agent("b@x", seats=9, groups=[GROUP])
    now_ms = office.account.store.now_ms()
    office.account.seats.remove("a@x")
    office.account.attendance.refresh()
    transfers.give_up_all(office.account, "a@x", "agent_disabled")
    tend(office.account, now_ms)
    transfers.drain_everywhere(office.account)
    for sid in (served, waiting):
        session = office.session(sid)
        assert (session.kf_account, session.group) == ("b@x", GROUP)
