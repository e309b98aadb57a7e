"""Whatever is known of a customer can lead him: each fact, from where it comes to the group it chooses."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.conversations import closing
from routing.rules import Rule
from sessions.store.customers import mirror, put_tags
from tests.conversations.conftest import Office
from tests.stories.conftest import GROUP, Operator

LEADS = "premium_support"
EVENT: dict[str, Any] = {"kind": "event", "type": "event", "text": ""}


def ruled(operator: Operator, **when: Any) -> None:
    operator.routing(rules=(Rule(LEADS, 7, tuple(when.items())), Rule(GROUP, 0)))


def group_of(office: Office, openid: str, **push: Any) -> str:
    """Where the customer's next message goes."""
    for name, group in (("lead@x", LEADS), ("a@x", GROUP)):
        office.agent(name, seats=50, groups=[group])
    return office.session(office.says(openid, **push).session_id).group


@pytest.mark.parametrize(
    ("facts", "when"),
    [
        ({"vip_level": 4}, {"vip_level_above": 3}),
        ({"tags": ["团购"]}, {"tags_any": ["vip", "团购"]}),
        ({"language": "en"}, {"language": "en"}),
        ({"vip_level": 9, "language": "en"}, {"vip_level_above": 3, "language": "en"}),
    ],
)
def test_facts_of_other_systems_choose_the_group(
    office: Office, operator: Operator, facts: dict[str, Any], when: dict[str, Any]
) -> None:
    ruled(operator, **when)
    client = office.account.queries._redis
    mirror(client, office.account.appid, "known", "", facts)
    assert group_of(office, "known") == LEADS
    assert group_of(office, "stranger") == GROUP


def test_a_purchase_within_days_chooses_the_group(office: Office, operator: Operator) -> None:
    ruled(operator, purchased_within_days=7)
    client, now_ms = office.account.queries._redis, office.account.store.now_ms()
    for openid, days in (("lately", 6), ("long_ago", 8)):
        bought = {"last_purchase_ms": now_ms - days * 86_400_000}
        mirror(client, office.account.appid, openid, "", bought)
    assert group_of(office, "lately") == LEADS
    assert group_of(office, "long_ago") == GROUP


def test_wechats_own_tags_choose_the_group(office: Office, operator: Operator) -> None:
    ruled(operator, tags_any=["星标"])
    put_tags(office.account.queries._redis, office.account.appid, "o1", ["星标"], 1)
    assert group_of(office, "o1") == LEADS


@pytest.mark.parametrize(
    ("source", "led_by"),
    [
        ("qrscene_42", EVENT | {"event": "subscribe", "event_key": "qrscene_42"}),
        ("42", EVENT | {"event": "SCAN", "event_key": "42"}),
        ("SALE", EVENT | {"event": "CLICK", "event_key": "SALE"}),
        ("pages/cart", EVENT | {"event": "user_enter_tempsession", "event_key": "pages/cart"}),
        ("pages/cart", EVENT | {"event": "user_enter_tempsession", "media": {"session_from": "pages/cart"}}),
    ],
)  # fmt: skip
def test_what_led_a_customer_here_chooses_the_group_of_his_first_message(
    office: Office, operator: Operator, source: str, led_by: dict[str, Any]
) -> None:
    ruled(operator, source=source)
    assert office.says("o1", **led_by).result == "noted"
    assert group_of(office, "o1") == LEADS
    assert group_of(office, "o2") == GROUP


@pytest.mark.parametrize(
    ("source", "push"),
    [
        ("pages/order", {"type": "miniprogrampage", "text": "", "media": {"page_path": "pages/order"}}),
        ("MENU_2", {"menu_id": "MENU_2"}),
    ],
)  # fmt: skip
def test_a_first_message_may_bring_what_led_here_itself(
    office: Office, operator: Operator, source: str, push: dict[str, Any]
) -> None:
    ruled(operator, source=source)
    assert group_of(office, "o1", **push) == LEADS
    assert group_of(office, "o2") == GROUP


def test_the_agent_before_chooses_the_group(office: Office, operator: Operator) -> None:
    ruled(operator, previous_agent="a@x")
    office.agent("a@x", seats=50, groups=[GROUP])
    first = office.says("o1")
    closing.close_by_agent(office.account, first.session_id, "a@x")
    assert first.kf_account == "a@x" and group_of(office, "o1") == LEADS


@pytest.mark.parametrize(("begins", "ends", "fits"), [(-1, 2, True), (6, 8, False)])
def test_the_hour_chooses_the_group(
    office: Office, operator: Operator, begins: int, ends: int, fits: bool
) -> None:
    zone = ZoneInfo(operator.plan.routing.timezone)
    hour = datetime.fromtimestamp(office.account.store.now_ms() / 1000, zone).hour
    ruled(operator, hours=[(hour + begins) % 24, (hour + ends) % 24])
    assert group_of(office, "o1") == (LEADS if fits else GROUP)


def test_the_first_rule_that_fits_wins_with_its_priority(
    office: Office, operator: Operator
) -> None:
    rules = (Rule(LEADS, 9, (("vip_level_above", 5),)), Rule(GROUP, 4, (("vip_level_above", 3),)))
    operator.routing(rules=(*rules, Rule(LEADS, 1)))
    mirror(office.account.queries._redis, office.account.appid, "o1", "", {"vip_level": 4})
    assert group_of(office, "o1") == GROUP
    customer, _ = office.account.store.customer("o1")
    assert office.session(customer.open_session).priority == 4
