"""The satisfaction survey: asked at the closing, answered once, never the beginning of a conversation."""

from __future__ import annotations

import secrets

from app.conversations import archiving, arrivals, closing, ratings
from sessions import survey
from sessions.model import Delivery, Inbound, State
from sessions.store.outbox import Verdict
from tests.conversations.conftest import Office

ANNA = "o-anna"


def closed(office: Office, openid: str = ANNA, *, survey: bool = True) -> str:
    """A conversation that the agent has closed."""
    sid = office.says(openid).session_id
    owner = office.session(sid).kf_account
    closing.close_by_agent(office.account, sid, owner, survey=survey)
    return sid


def tap(office: Office, sid: str, score: int, **more: str) -> str:
    ident = f"{survey.tag_of(sid)}{score}"
    return office.says(ANNA, f"{score} 满意", menu_id=ident, **more).result


def asked(office: Office, sid: str) -> list[str]:
    rows = office.account.queries.messages(sid, 0, 50)
    return [row["type"] for row in rows if row.get("notice")]


def test_a_tap_is_kept_on_the_closed_conversation_and_opens_none(office: Office) -> None:
    office.agent("a@x")
    sid = closed(office)
    assert asked(office, sid) == ["msgmenu"]
    assert tap(office, sid, 4) == "rated"
    assert office.session(sid).rating_score == 4
    customer, _ = office.account.store.customer(ANNA)
    assert customer.open_session == ""
    assert office.account.seats.ratings(["a@x"])["a@x"].mean == 4.0


def test_a_second_tap_and_a_repeated_delivery_change_nothing(office: Office) -> None:
    office.agent("a@x")
    sid = closed(office)
    push = office.push(ANNA, "5", menu_id=f"{survey.tag_of(sid)}5")
    from_first = [ratings_result(office, push) for _ in range(3)]
    assert from_first == ["rated"] * 3
    assert tap(office, sid, 1) == "noted"
    assert office.session(sid).rating_score == 5
    assert office.account.seats.ratings(["a@x"])["a@x"].count == 1


def settle_all(office: Office) -> None:
    """As if the sender had brought everything to the platform."""
    while (claim := office.account.outbox.claim(secrets.token_hex(8))) is not None:
        office.account.outbox.settle(claim, Delivery.SENT, Verdict.SPENT, 0, "")


def ratings_result(office: Office, push: Inbound) -> str:
    return arrivals.receive(office.account, push).result


def test_a_typed_score_counts_where_no_menu_could_be_sent(office: Office) -> None:
    office.agent("a@x")
    sid = closed(office)
    assert office.says(ANNA, " 3分 ").result == "rated"
    assert office.session(sid).rating_score == 3
    again = office.says(ANNA, "3")
    assert again.result == "seated" and again.session_id != sid


def test_a_number_is_just_a_word_where_nobody_asked_for_a_rating(office: Office) -> None:
    office.agent("a@x")
    assert office.says(ANNA, "5").result == "seated"
    closed(office, "o-bert", survey=False)
    assert office.says("o-bert", "5").result == "seated"


def test_within_a_new_conversation_a_typed_number_belongs_to_it_and_a_tap_to_the_old_one(
    office: Office,
) -> None:
    office.agent("a@x")
    sid = closed(office)
    new = office.says(ANNA, "还有一个问题")
    assert office.says(ANNA, "2").result == "appended"
    assert tap(office, sid, 5) == "rated"
    assert office.session(sid).rating_score == 5
    assert office.session(new.session_id).state is State.SERVING
    assert office.session(new.session_id).in_seq == 2


def test_a_tap_after_a_day_is_noted_and_nothing_more(office: Office) -> None:
    office.agent("a@x")
    sid = closed(office)
    client, keys = office.account.queries._redis, office.account.store.keys
    client.hincrby(keys.of("customer", ANNA), "survey_ms", -survey.WINDOW_MS - 1000)
    assert tap(office, sid, 5) == "noted"
    assert office.session(sid).rating_ms == 0
    assert office.says(ANNA, "5").result == "seated"


def test_a_rating_that_comes_after_the_archive_reaches_it(office: Office) -> None:
    office.agent("a@x")
    sid = closed(office)
    settle_all(office)
    archiving.archive_closed(office.account)
    assert office.account.queries.rows([sid]) == []
    assert tap(office, sid, 2) == "rated"
    assert ratings.keep(office.account) == 1
    kept = office.account.records.session(office.account.appid, sid)
    assert kept is not None and kept["rating"]["score"] == 2
    assert ratings.keep(office.account) == 0


def test_a_rating_before_the_archive_is_archived_once(office: Office) -> None:
    office.agent("a@x")
    sid = closed(office)
    tap(office, sid, 2)
    assert ratings.keep(office.account) == 0
    settle_all(office)
    archiving.archive_closed(office.account)
    before = office.account.records.session(office.account.appid, sid)
    assert ratings.keep(office.account) == 1
    after = office.account.records.session(office.account.appid, sid)
    assert before == after and after is not None and after["rating"]["score"] == 2


def test_without_a_reply_left_nobody_is_asked(office: Office) -> None:
    office.agent("a@x")
    sid = office.says(ANNA).session_id
    for number in range(5):
        office.replies(sid, "a@x", f"回答 {number}")
    closing.close_by_agent(office.account, sid, "a@x", survey=True)
    lines = [row.get("code") for row in office.account.queries.messages(sid, 0, 50)]
    assert "notice_not_sent" in lines
    assert office.says(ANNA, "5").result == "seated"
