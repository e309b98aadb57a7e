"""What operators of other systems complain about, told on ours: the office of the use cases' tests."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from routing.document import Plan
from routing.groups import Group
from sessions.model import Session, State
from tests.conversations.conftest import GROUP, Office, engine, office
from tests.stories.house import house

__all__ = ["GROUP", "engine", "house", "office"]


def check_explained(office: Office, session: Session) -> None:
    """The card says what is the case: who serves, in which group, or that the customer waits."""
    card = json.loads(office.account.queries.card(session.id) or "{}")
    assert (card["group"], card["chosen"]) == (session.group, session.kf_account or None)
    assert card["result"] == ("queue" if session.state is State.WAITING else "assign")
    assert card["reason"]


class Operator:
    """Edits the plan of the office."""

    def __init__(self, office: Office) -> None:
        self._office = office

    @property
    def plan(self) -> Plan:
        return self._office.plans[-1]

    def group(self, name: str, **settings: Any) -> None:
        groups = {**self.plan.groups, name: replace(self.plan.group(name), **settings)}
        self._office.plans.append(replace(self.plan, groups=groups))

    def routing(self, **changes: Any) -> None:
        routing = replace(self.plan.routing, **changes)
        self._office.plans.append(replace(self.plan, routing=routing))

    def new_group(self, group: Group) -> None:
        groups = {**self.plan.groups, group.name: group}
        self._office.plans.append(replace(self.plan, groups=groups))

    def remove_group(self, name: str) -> None:
        groups = {n: group for n, group in self.plan.groups.items() if n != name}
        self._office.plans.append(replace(self.plan, groups=groups))


@pytest.fixture
def operator(office: Office) -> Operator:
    return Operator(office)
