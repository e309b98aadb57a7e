from __future__ import annotations

import pytest

from app.auth.errors import Forbidden
from app.auth.roles import (
    ACTIONS,
    ADMIN,
    AGENT,
    INTEGRATION,
    ROLES,
    SUPERVISOR,
    allowed,
    reach,
    require,
)


def test_what_is_not_in_the_table_is_denied_to_everybody() -> None:
    for role in (*ROLES, INTEGRATION, "", "root"):
        assert not allowed(role, "sessions.erase_all")
        with pytest.raises(Forbidden):
            require(role, "")


def test_an_unknown_role_may_nothing() -> None:
    assert not any(allowed(role, action) for role in ("", "root") for action in ACTIONS)


def test_agents_do_no_admin_acts_and_do_not_supervise() -> None:
    denied = {action for action in ACTIONS if not allowed(AGENT, action)}
    assert {action for action in ACTIONS if action.startswith("admin.")} <= denied
    assert {"sessions.assign", "sessions.takeover", "sessions.whisper"} <= denied
    assert allowed(AGENT, "sessions.reply")


def test_a_supervisor_leads_but_does_not_administer() -> None:
    assert allowed(SUPERVISOR, "sessions.takeover")
    assert not allowed(SUPERVISOR, "admin.people")
    assert not allowed(SUPERVISOR, "admin.kf_accounts")


@pytest.mark.parametrize(
    ("role", "own", "leads", "served", "reached"),
    [
        (AGENT, "a", (), "ab", "a"),
        (AGENT, "a", ("b",), "ab", "a"),
        (AGENT, "", (), "ab", ""),
        (AGENT, "", (), "a", "a"),
        (SUPERVISOR, "b", (), "ab", "b"),
        (SUPERVISOR, "b", ("a",), "abc", "ab"),
        (SUPERVISOR, "", ("a", "gone"), "ab", "a"),
        (SUPERVISOR, "", (), "ab", ""),
        (SUPERVISOR, "", (), "a", "a"),
        (SUPERVISOR, "gone", (), "a", ""),
        (ADMIN, "a", (), "ab", "ab"),
        (INTEGRATION, "", (), "ab", "ab"),
        ("root", "a", ("a",), "a", ""),
    ],
)
def test_each_role_reaches_its_own_accounts_and_those_it_was_given(
    role: str, own: str, leads: tuple[str, ...], served: str, reached: str
) -> None:
    assert reach(role, own, leads, set(served)) == set(reached)


def test_an_integration_may_only_put_facts() -> None:
    assert [action for action in ACTIONS if allowed(INTEGRATION, action)] == ["customers.facts"]
    assert not allowed(AGENT, "customers.facts")
    assert allowed(ADMIN, "customers.facts")
