from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import Engine

from app.storage.records import Closed, Filters, Records
from app.storage.sql import BadCursor, StorageConflict

APP = "wx1"


def _session(ident: str, closed_ms: int = 2000, **more: Any) -> dict[str, Any]:
    return {
        "id": ident,
        "appid": APP,
        "openid": "o1",
        "kf_account": "kf1@acme",
        "group": "general_support",
        "state": "CLOSED",
        "created_ms": 1000,
        "closed_ms": closed_ms,
        "close_reason": "agent",
        "version": 3,
        "rev": 7,
        **more,
    }


def _message(seq: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"m{seq}",
        "seq": seq,
        "direction": "in",
        "type": "text",
        "text": f"第{seq}条",
        "status": "received",
        "created_ms": 1000 + seq,
        **more,
    }


def archived(records: Records, session: Any, messages: Any, card: Any = None) -> None:
    records.archive_all(APP, [Closed(session, messages, card)])


@pytest.fixture
def records(engine: Engine) -> Records:
    return Records(engine)


def test_what_is_archived_is_read_back_as_it_was(records: Records) -> None:
    session, messages = _session("s1"), [_message(n) for n in (1, 2, 3)]
    archived(records, session, messages, {"why": "home agent"})
    assert records.session(APP, "s1") == session
    assert records.messages(APP, "s1") == messages
    assert records.messages(APP, "s1", after=1, limit=1) == [messages[1]]
    assert records.card(APP, "s1") == {"why": "home agent"}


def test_other_accounts_and_unknown_ids_find_nothing(records: Records) -> None:
    archived(records, _session("s1"), [_message(1)])
    assert records.session("wx2", "s1") is None
    assert records.session(APP, "s2") is None
    assert records.messages("wx2", "s1") == []
    assert records.card(APP, "s1") is None


def test_archiving_twice_is_archiving_once(records: Records) -> None:
    for _ in range(2):
        archived(records, _session("s1"), [_message(1), _message(2)], {"why": "x"})
    assert len(records.closed(APP).items) == 1
    assert [m["seq"] for m in records.messages(APP, "s1")] == [1, 2]


def test_archiving_on_many_threads_at_once_is_archiving_once(records: Records) -> None:
    failed: list[Exception] = []

    def archive() -> None:
        try:
            archived(records, _session("s1"), [_message(n) for n in range(1, 40)])
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=archive) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(records.closed(APP).items) == 1
    assert len(records.messages(APP, "s1")) == 39


def test_a_later_copy_replaces_and_a_late_older_one_does_not(records: Records) -> None:
    pending = [_message(1, direction="out", status="pending")]
    sent = [_message(1, direction="out", status="sent")]
    archived(records, _session("s1"), pending)
    archived(records, _session("s1", rev=8, rating={"score": 5}), sent)
    archived(records, _session("s1"), pending)
    stored = records.session(APP, "s1")
    assert stored is not None and stored["rating"] == {"score": 5}
    assert records.messages(APP, "s1") == sent


def test_an_older_copy_among_many_is_passed_over_and_the_others_are_kept(records: Records) -> None:
    archived(records, _session("s1", rev=8), [_message(1)], {"later": True})
    texts = [_message(1), _message(2)]
    ids = ("s0", "s1", "s2")
    records.archive_all(APP, [Closed(_session(one), texts, {"of": one}) for one in ids])
    assert [len(records.messages(APP, one)) for one in ids] == [2, 1, 2]
    assert [records.card(APP, one) for one in ids] == [{"of": "s0"}, {"later": True}, {"of": "s2"}]


def test_a_delivery_that_is_known_is_not_made_unknown_by_an_equal_copy(records: Records) -> None:
    for status in ("pending", "unknown", "sent", "unknown", "pending"):
        archived(records, _session("s1"), [_message(1, direction="out", status=status)])
    assert records.messages(APP, "s1")[0]["status"] == "sent"


def test_an_archive_that_fails_in_the_middle_leaves_nothing(records: Records) -> None:
    with pytest.raises(StorageConflict):
        archived(records, _session("s1"), [_message(1), _message(2, type=None)])
    assert records.session(APP, "s1") is None
    assert records.messages(APP, "s1") == []


def test_an_open_conversation_is_not_archived(records: Records) -> None:
    with pytest.raises(ValueError, match="closed"):
        archived(records, _session("s1", closed_ms=0), [])


@pytest.mark.parametrize("text", ["a\x00b", "half \ud83d emoji", "👩‍👩‍👧", "‮abc", "长" * 2048])
def test_any_text_a_customer_can_send_is_kept_as_it_is(records: Records, text: str) -> None:
    archived(records, _session("s1"), [_message(1, text=text)])
    assert records.messages(APP, "s1")[0]["text"] == text


def test_a_very_long_conversation_is_archived_whole(records: Records) -> None:
    archived(records, _session("s1"), [_message(n) for n in range(1, 1203)])
    seqs: list[int] = []
    while batch := records.messages(APP, "s1", after=seqs[-1] if seqs else 0, limit=200):
        seqs += [m["seq"] for m in batch]
    assert seqs == list(range(1, 1203))


def _walk(records: Records, filters: Filters, limit: int) -> list[str]:
    seen: list[str] = []
    cursor = None
    while True:
        page = records.closed(APP, filters, cursor, limit)
        seen += [item["id"] for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return seen


def test_pages_show_each_conversation_once_newest_first(records: Records) -> None:
    for number in range(10):
        archived(records, _session(f"s{number}", closed_ms=2000 + number // 3), [])
    expected = [f"s{n}" for n in (9, 8, 7, 6, 5, 4, 3, 2, 1, 0)]
    for limit in (1, 3, 10, 50):
        assert _walk(records, Filters(), limit) == expected


def test_a_page_is_not_shifted_by_conversations_that_close_meanwhile(records: Records) -> None:
    for number in range(4):
        archived(records, _session(f"s{number}", closed_ms=2000 + number), [])
    first = records.closed(APP, limit=2)
    archived(records, _session("new", closed_ms=9000), [])
    second = records.closed(APP, cursor=first.next_cursor, limit=2)
    assert [i["id"] for i in first.items + second.items] == ["s3", "s2", "s1", "s0"]


def test_filters_narrow_the_list(records: Records) -> None:
    archived(records, _session("a", closed_ms=2000), [])
    archived(records, _session("b", closed_ms=3000, kf_account=None, close_reason="missed"), [])
    archived(records, _session("c", closed_ms=4000, group="vip", openid="o2"), [])
    assert _walk(records, Filters(kf_account="kf1@acme"), 9) == ["c", "a"]
    assert _walk(records, Filters(close_reason="missed"), 9) == ["b"]
    assert _walk(records, Filters(group="vip"), 9) == ["c"]
    assert _walk(records, Filters(since_ms=3000, until_ms=4000), 9) == ["b"]
    assert [i["id"] for i in records.earlier(APP, "o1", limit=9).items] == ["b", "a"]


@pytest.mark.parametrize("cursor", ["x", "WzFd", "!!!!", "WyJhIiwiYiJd", "é", "A" * 500, "W10"])
def test_a_cursor_of_elsewhere_is_refused(records: Records, cursor: str) -> None:
    with pytest.raises(BadCursor):
        records.closed(APP, cursor=cursor)


def test_many_are_kept_by_one_transaction_or_none_of_them(records: Records) -> None:
    closed = [Closed(_session(f"s{n}"), [_message(1)], {"n": n}) for n in range(5)]
    with pytest.raises(ValueError):
        records.archive_all(APP, [*closed, Closed(_session("open", closed_ms=0), [])])
    assert records.closed(APP).items == []
    records.archive_all(APP, closed)
    assert {one["id"] for one in records.closed(APP).items} == {f"s{n}" for n in range(5)}
    assert records.card(APP, "s3") == {"n": 3}
