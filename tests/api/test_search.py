"""Search in one's conversations: open and closed ones, two Chinese characters, nobody else's."""

from __future__ import annotations

import pytest

from tests.api.conftest import Client, Node
from tests.api.test_messages import code, served
from tests.databases import database_settings


@pytest.fixture
def settings_of_node(database_url: str | None) -> dict[str, str]:
    """A node on each database in turn."""
    return database_settings(database_url)


def texts(client: Client, words: str) -> list[str]:
    return [hit["message"]["text"] for hit in client.data("/search", params={"q": words})]


def test_two_characters_find_open_and_closed_messages_newest_first(node: Node) -> None:
    anna, sid = served(node)
    node.says("o1", "我要开发票")
    node.says("o2", "发票抬头怎么改")
    anna.post(f"/sessions/{sid}/close", {})
    node.archived(sid)
    assert texts(anna, "发票") == ["发票抬头怎么改", "我要开发票"]
    hits = anna.data("/search", params={"q": "发票"})
    assert [hit["session"]["state"] for hit in hits] == ["SERVING", "CLOSED"]


def test_letters_are_found_in_either_case_and_signs_as_they_stand(node: Node) -> None:
    anna, sid = served(node)
    node.says("o1", "Order AB_100% ok")
    assert texts(anna, "order ab_") == ["Order AB_100% ok"]
    assert texts(anna, "100%") == ["Order AB_100% ok"]
    assert texts(anna, "A%o") == []
    anna.post(f"/sessions/{sid}/close", {})
    node.archived(sid)
    assert texts(anna, "order ab_") == ["Order AB_100% ok"]
    assert texts(anna, "A%o") == []


def test_a_colleagues_conversations_are_not_found(node: Node) -> None:
    _, sid = served(node)
    node.says("o1", "只给安娜看")
    bob = node.agent("bob")
    assert texts(bob, "安娜") == []
    anna = node.client(node.token("anna"))
    anna.post(f"/sessions/{sid}/close", {})
    node.archived(sid)
    assert texts(bob, "安娜") == []
    assert texts(anna, "安娜") == ["只给安娜看"]


def test_one_character_is_too_little(node: Node) -> None:
    anna, _ = served(node)
    assert code(anna.get("/search", params={"q": " 票 "})) == (422, "invalid")
