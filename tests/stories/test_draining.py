"""Field B: whatever frees a seat or opens a queue seats who waits; nobody is stuck, nobody unseen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from app.conversations import closing, off_shift, supervision, transfers
from app.conversations.access import Reader
from app.conversations.duty import change_status
from app.conversations.lists import Wanted, listed
from app.conversations.timers import sweep as sweeps
from app.conversations.transfers import drain_everywhere
from app.refusals import Refusal
from routing.groups import Group
from routing.hours import hours_from
from sessions.machine import held_seats
from sessions.model import State
from sessions.seats import Status
from tests.conversations.conftest import Office
from tests.stories.conftest import GROUP, Operator

NEVER = hours_from({"weekly": {}}, "Asia/Shanghai")
NOW = 2**53


def ids(office: Office, reader: Reader, **wanted: bool | State) -> list[str]:
    page = listed(office.account, reader, Wanted(**wanted), None, 50)  # type: ignore[arg-type]
    return [view["id"] for view in page.items]


def _closes(office: Office, served: str) -> None:
    closing.close_by_agent(office.account, served, "a@x")


def _falls_silent(office: Office, served: str) -> None:
    office.timer_due(served, "idle")
    sweeps.run_timers(office.account, NOW)


def _leaves(office: Office, served: str) -> None:
    office.says("o1", "", kind="event", type="event", event="unsubscribe", dedup_key="e:o1")


def _hands_over(office: Office, served: str) -> None:
    office.agent("lead@x", seats=1, groups=["premium_support"])
    transfers.transfer(office.account, served, "a@x", "lead@x", "", "")


def _colleague_comes(office: Office, served: str) -> None:
    office.agent("b@x", seats=1)


def _colleague_is_back(office: Office, served: str) -> None:
    office.account.seats.put("b@x", "b", 1, ())
    office.set("b@x", Status.AWAY)
    office.account.attendance.stream_opened("b@x")
    office.account.attendance.refresh()
    change_status(office.account, "b@x", Status.ONLINE, hand_over=False)


def _colleague_stays_after_all(office: Office, served: str) -> None:
    office.account.seats.put("b@x", "b", 0, ())
    office.comes("b@x")
    off_shift.announce(office.account, "b@x", 1200, {})
    office.account.seats.put("b@x", "b", 1, ())
    off_shift.cancel(office.account, "b@x")


def _limit_is_raised(office: Office, served: str) -> None:
    office.account.seats.put("a@x", "a", 2, ())
    drain_everywhere(office.account)


@pytest.mark.parametrize(
    "act",
    [
        *(_closes, _falls_silent, _leaves, _hands_over, _limit_is_raised),
        *(_colleague_comes, _colleague_is_back, _colleague_stays_after_all),
    ],
)
def test_cskefu_442_no_agent_is_idle_while_a_customer_waits(
    office: Office, act: Callable[[Office, str], None]
) -> None:
    office.agent("a@x", seats=1)
    served, waiting = office.says("o1").session_id, office.says("o2").session_id
    assert office.session(waiting).state is State.WAITING
    act(office, served)
    assert office.session(waiting).state is State.SERVING


@pytest.mark.parametrize("held", [{"hours": NEVER}, {"assign": "manual"}])
def test_a_group_that_opens_or_seats_by_itself_again_seats_who_waited(
    office: Office, operator: Operator, held: dict[str, object]
) -> None:
    operator.group(GROUP, **held)
    office.agent("a@x", seats=1)
    waiting = office.says("o1").session_id
    off_shift.announce(office.account, "a@x", 1200, {})
    off_shift.cancel(office.account, "a@x")
    drain_everywhere(office.account)
    assert office.session(waiting).state is State.WAITING
    operator.group(GROUP, hours=None, assign="auto")
    drain_everywhere(office.account)
    assert office.session(waiting).state is State.SERVING


def test_rocketchat_29290_all_queues_of_an_agent_run_and_the_longest_wait_is_first(
    office: Office, operator: Operator
) -> None:
    names = ["one", "two", GROUP]
    for name in names[:2]:
        operator.new_group(Group(name))
        office.account.seats.put(f"{name}@x", name, 1, [name])
    chats = []
    for n in range(6):
        operator.routing(default_group=names[n % 3])
        chats.append(office.says(f"o{n}").session_id)
    assert office.account.queries.queue_lengths() == {"one": 2, "two": 2, GROUP: 2}
    office.agent("all@x", seats=4, groups=names)
    states = [office.session(chat).state for chat in chats]
    assert states == [State.SERVING] * 4 + [State.WAITING] * 2


@pytest.mark.parametrize("stuck", ["waiting", "waiting again", "served", "asked of another"])
def test_rocketchat_18029_no_chat_is_stuck_whatever_state_it_is_in(
    office: Office, stuck: str
) -> None:
    policy = replace(office.account.policy, transfer_consent=stuck == "asked of another")
    office.account = replace(office.account, policy=policy)
    if stuck != "waiting":
        office.agent("a@x")
    chat = office.says("o1").session_id
    if stuck == "waiting again":
        change_status(office.account, "a@x", Status.OFFLINE, hand_over=True)
    if stuck == "asked of another":
        office.agent("b@x")
        transfers.transfer(office.account, chat, "a@x", "b@x", "", "")
    office.agent("c@x")
    if office.session(chat).kf_account != "c@x":
        assert supervision.assign(office.account, chat, "c@x", "boss", "卡住").kf_account == "c@x"
    closed = closing.close_by_supervisor(office.account, chat, "boss")
    assert closed.state is State.CLOSED and not held_seats(closed)
    assert all(office.account.seats.held(name) == set() for name in ("a@x", "b@x", "c@x"))
    assert office.account.queries.waiting([GROUP], 9) == []
    assert office.account.queries.due_timers(NOW, 99) == []


def test_rocketchat_23642_a_new_chat_is_on_the_list_of_its_group_and_told_to_it(
    office: Office, operator: Operator
) -> None:
    operator.group(GROUP, assign="manual")
    office.agent("a@x")
    chat = office.says("o1").session_id
    told = list(office.account.stream.recent())
    (queue,) = [t for t in told if t.type == "queue.changed"]
    assert (queue.group, queue.values["joined"], queue.values["waiting"]) == (GROUP, chat, "1")
    assert [t.group for t in told if t.type == "session.updated"] == [GROUP]
    ours = Reader("a@x", frozenset({GROUP}), everything=False)
    theirs = Reader("v@x", frozenset({"premium_support"}), everything=False)
    assert ids(office, ours, state=State.WAITING) == [chat]
    assert ids(office, theirs, state=State.WAITING) == []
    transfers.take(office.account, chat, "a@x")
    assert ids(office, ours, state=State.WAITING) == []
    assert ids(office, ours, mine=True) == [chat]


def test_rocketchat_23042_an_agent_hears_of_every_customer_he_is_given(office: Office) -> None:
    office.agent("a@x")
    chat = office.says("o1", "在吗").session_id
    told = [t for t in office.account.stream.recent() if t.session_id == chat]
    assert [t.type for t in told if "a@x" in t.audience] == ["session.assigned", "message.created"]


def test_rocketchat_22043_a_transfer_to_a_full_group_leaves_the_customer_with_his_agent(
    office: Office,
) -> None:
    office.agent("a@x")
    chat = office.says("o1").session_id
    office.agent("full@x", seats=0, groups=["premium_support"])
    before = office.session(chat)
    with pytest.raises(Refusal, match="agent_full"):
        transfers.transfer(office.account, chat, "a@x", "", "premium_support", "")
    assert office.session(chat) == before
    assert not any(office.account.queries.queue_lengths().values())


def test_rocketchat_23404_who_waits_again_has_left_his_former_agent(office: Office) -> None:
    office.agent("a@x")
    chat = office.says("o1").session_id
    change_status(office.account, "a@x", Status.OFFLINE, hand_over=True)
    former = Reader("a@x", frozenset({"premium_support"}), everything=False)
    assert ids(office, former) == []
    with pytest.raises(Refusal, match="not_owner"):
        office.replies(chat, "a@x")
    office.agent("b@x")
    assert office.session(chat).kf_account == "b@x"
    office.says("o1", "在吗")
    heard = [t for t in office.account.stream.recent() if t.type == "message.created"][-1]
    assert heard.audience == {"b@x"}


def test_chatwoot_12825_a_queue_has_places_a_limit_and_moves_up(office: Office) -> None:
    office.account = replace(office.account, policy=replace(office.account.policy, queue_max=2))
    office.agent("a@x", seats=1)
    served = office.says("o1")
    places = [office.says(f"o{n}") for n in range(2, 5)]
    assert [(p.result, p.position, p.notice) for p in places] == [
        ("queued", 1, "queue"),
        ("queued", 2, "queue"),
        ("queue_full", 0, "queue_full"),
    ]
    refused = places[2].session_id
    assert office.session(refused).close_reason == "queue_full"
    assert [m["text"] for m in office.account.queries.messages(refused, 0, 9)] == ["你好"]
    closing.close_by_agent(office.account, served.session_id, "a@x")
    assert office.says("o3", "排队").position == 1
    assert office.says("o4").position == 2
