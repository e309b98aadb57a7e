"""The checker itself: a good history passes, each planted bug is caught by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.e2e.world import ROOT
from tests.faults.history import Conversation, History, Push, Reply, Stores, Told, judge
from tests.faults.rows import ROWS


def message(seq: int, direction: str, text: str, status: str) -> dict[str, Any]:
    return {"seq": seq, "direction": direction, "text": text, "status": status}


def good() -> History:
    """Two customers, two agents with one seat each; one reply sent, one unknown."""
    return History(
        pushes=[
            Push("o1", "1", "first", 2, True),
            Push("o1", "2", "second", 1, True),
            Push("o2", "3", "third", 1, True),
            Push("o3", "4", "never answered", 3, False),
        ],
        replies=[
            Reply("o1", "re first", "a", True),
            Reply("o2", "re third", "b", True),
            Reply("o2", "too late", "a", False, code="not_owner"),
        ],
        delivered={"o1": ["re first"], "o2": []},
        conversations=[
            Conversation(
                "s1",
                "o1",
                "SERVING",
                "a",
                "",
                "g",
                [
                    message(1, "in", "first", "received"),
                    message(2, "out", "re first", "sent"),
                    message(3, "in", "second", "received"),
                ],
            ),
            Conversation(
                "s2",
                "o2",
                "SERVING",
                "b",
                "",
                "g",
                [
                    message(1, "in", "third", "received"),
                    message(2, "out", "re third", "unknown"),
                ],
            ),
        ],
        told=[
            Told("s1", "o1", "SERVING", "a", "", 1),
            Told("s2", "o2", "WAITING", "", "", 0),
            Told("s2", "o2", "SERVING", "b", "", 1),
        ],
        limits={"a": 1, "b": 1},
        samples=[{"a": 1, "b": 0}, {"a": 1, "b": 1}],
        stores=Stores(
            seats={"a": {"s1"}, "b": {"s2"}},
            seated={"g": {"s1", "s2"}},
            queues={"g": set()},
            open_by_customer={"o1": "s1", "o2": "s2"},
            live={"s1", "s2"},
            timed={"s1", "s2"},
        ),
        logs={"server.log": "push result=seated"},
        secrets=["hunter2"],
    )


def lose_a_message(h: History) -> None:
    del h.conversations[0].messages[2]


def store_a_message_twice(h: History) -> None:
    h.conversations[0].messages.append(message(4, "in", "second", "received"))


def store_it_in_two_conversations(h: History) -> None:
    h.conversations.append(
        Conversation("s3", "o1", "CLOSED", "", "", "g", [message(1, "in", "first", "received")])
    )


def swap_two_messages(h: History) -> None:
    lines = h.conversations[0].messages
    lines[0]["text"], lines[2]["text"] = lines[2]["text"], lines[0]["text"]


def leave_a_gap(h: History) -> None:
    h.conversations[1].messages[1]["seq"] = 3


def give_a_customer_two_agents(h: History) -> None:
    h.told.append(Told("s2", "o2", "SERVING", "a", "", 1))


def open_two_conversations(h: History) -> None:
    h.told.append(Told("s9", "o1", "SERVING", "b", "", 1))


def turn_an_epoch_back(h: History) -> None:
    h.told += [Told("s1", "o1", "SERVING", "b", "", 2), Told("s1", "o1", "SERVING", "a", "", 1)]


def overfill_an_agent(h: History) -> None:
    h.told.insert(1, Told("s0", "o0", "SERVING", "a", "", 1))
    h.told.insert(2, Told("s0", "o0", "CLOSED", "a", "", 1))


def reserve_a_seat_too_many(h: History) -> None:
    h.told.append(Told("s1", "o1", "TRANSFERING", "a", "b", 1))


def overfill_between_two_entries(h: History) -> None:
    h.samples.append({"a": 2, "b": 0})


def send_twice(h: History) -> None:
    h.delivered["o1"].append("re first")


def forget_a_reply(h: History) -> None:
    del h.conversations[0].messages[1]
    h.conversations[0].messages[1]["seq"] = 2


def claim_it_was_sent(h: History) -> None:
    h.delivered["o1"].clear()


def claim_it_failed(h: History) -> None:
    h.conversations[0].messages[1]["status"] = "failed"


def leave_it_pending(h: History) -> None:
    h.conversations[1].messages[1]["status"] = "pending"


def keep_a_seat(h: History) -> None:
    h.stores.seats["a"].add("s7")


def lose_an_open_pointer(h: History) -> None:
    del h.stores.open_by_customer["o1"]


def leave_in_the_queue(h: History) -> None:
    h.stores.queues["g"].add("s2")


def lose_a_deadline(h: History) -> None:
    h.stores.timed.discard("s1")


def log_a_secret(h: History) -> None:
    h.logs["server.log"] += " secret=hunter2"


def log_a_customers_words(h: History) -> None:
    h.logs["server.log"] += " never answered"


PLANTED: dict[Callable[[History], None], str] = {
    lose_a_message: "lost: second",
    store_a_message_twice: "doubled: second",
    store_it_in_two_conversations: "doubled: first",
    swap_two_messages: "out of order: o1",
    leave_a_gap: "numbers with a gap in s2",
    give_a_customer_two_agents: "two agents at once: o2",
    open_two_conversations: "two conversations at once: o1",
    turn_an_epoch_back: "an epoch went back: s1",
    overfill_an_agent: "over the limit (told): a held 2 of 1",
    reserve_a_seat_too_many: "over the limit (told): b held 2 of 1",
    overfill_between_two_entries: "over the limit (sampled): a held 2 of 1",
    send_twice: "doubled: re first",
    forget_a_reply: "lost: re first",
    claim_it_was_sent: "shown as sent but not delivered: re first",
    claim_it_failed: "shown as failed but delivered: re first",
    leave_it_pending: "neither sent nor shown as failed: re third",
    keep_a_seat: "seats differ",
    lose_an_open_pointer: "open pointers differ",
    leave_in_the_queue: "queues differ",
    lose_a_deadline: "without a deadline: ['s1']",
    log_a_secret: "a secret in server.log",
    log_a_customers_words: "words of a customer or agent in server.log",
}


def test_the_table_names_tests_that_exist() -> None:
    for row in ROWS.values():
        for test in row.elsewhere:
            path, name = test.partition("::")[0], test.rpartition("::")[2]
            assert f"def {name}(" in (ROOT / path).read_text("utf-8"), test
    assert list(ROWS) == list(range(1, 65))


def test_a_good_history_passes() -> None:
    assert judge(good()).problems == ()


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_caught(plant: Callable[[History], None]) -> None:
    history = good()
    plant(history)
    problems = judge(history).problems
    assert any(problem.startswith(PLANTED[plant]) for problem in problems), problems


def test_what_was_never_answered_may_be_missing_or_there_once_at_any_place() -> None:
    history = good()
    late = [
        message(1, "in", "answered", "received"),
        message(2, "in", "never answered", "received"),
    ]
    stored = Conversation("s4", "o3", "CLOSED", "", "", "g", late)
    pushes = [*history.pushes, Push("o3", "9", "answered", answered=True)]
    more = replace(history, pushes=pushes, conversations=[*history.conversations, stored])
    assert judge(more).problems == ()
