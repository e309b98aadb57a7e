"""A node's picture of the agents follows every change, and costs with changes, not with agents."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.presence.attendance import LOOK_AT_ALL_S
from sessions.seats import Status
from tests.conversations.conftest import Office


@pytest.fixture
def reads(office: Office, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Whom each look has read one by one."""
    seen: list[list[str]] = []
    read = office.account.seats.read

    def spy(names: list[str]) -> object:
        seen.append(list(names))
        return read(names)

    monkeypatch.setattr(office.account.seats, "read", spy)
    return seen


def test_only_who_changed_is_read_again(office: Office, reads: list[list[str]]) -> None:
    for name in ("a@x", "b@x", "c@x"):
        office.agent(name)
    reads.clear()
    office.account.attendance.refresh()
    office.account.seats.put("b@x", "b", 7, ())
    office.account.attendance.refresh()
    assert reads == [[], ["b@x"]]
    found = office.account.attendance.agent("b@x")
    assert found is not None and found.seat.seats == 7 and found.serving


def test_who_is_removed_is_gone_at_the_next_look(office: Office) -> None:
    office.agent("a@x")
    office.account.seats.remove("a@x")
    office.account.attendance.refresh()
    assert office.account.attendance.agent("a@x") is None
    assert office.account.attendance.roster().rings == {}


def test_a_status_set_elsewhere_and_a_lease_that_ran_out_are_seen(office: Office) -> None:
    office.agent("a@x")
    office.account.seats.set_status("a@x", Status.AWAY, refuse_while_holding=False)
    office.account.attendance.refresh()
    agent = office.account.attendance.agent("a@x")
    assert agent is not None and agent.present and not agent.serving
    office.vanishes("a@x")
    agent = office.account.attendance.agent("a@x")
    assert agent is not None and not agent.present


def test_a_change_that_went_unmarked_is_seen_within_the_time_for_all(office: Office) -> None:
    office.agent("a@x")
    key = office.account.store.keys.of("agent", "a@x")
    office.account.queries._redis.hset(key, "seats", 9)
    office.account.attendance.refresh()
    before = office.account.attendance.agent("a@x")
    office.account.attendance._looked_at -= LOOK_AT_ALL_S
    office.account.attendance.refresh()
    after = office.account.attendance.agent("a@x")
    assert before is not None and after is not None
    assert replace(after.seat, seats=before.seat.seats) == before.seat
    assert (before.seat.seats, after.seat.seats) == (2, 9)
