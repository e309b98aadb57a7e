"""Customers, notices, canned replies, media, integrations and small values."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import Engine

from app.plan.notices import NoticeTexts
from app.storage import audit, canned, customers, integrations, media, notices, people, values
from app.storage.audit import Actor, acting
from app.storage.errors import Invalid, Missing
from app.storage.media import Media
from app.storage.sql import StorageConflict, reading, writing
from tests.support import wait_until

APP = "wx1"
ADMIN = Actor("admin", "admin", 1000)
DEFAULTS = notices.read_defaults()


def test_an_unknown_customer_has_an_empty_card(engine: Engine) -> None:
    with reading(engine) as conn:
        card = customers.get(conn, APP, "o1")
        assert (card.remark, card.facts, card.tags) == ("", {}, ())


def test_remark_tags_and_facts_are_kept_beside_each_other(engine: Engine) -> None:
    with writing(engine) as conn:
        customers.set_remark(conn, APP, "o1", "👨‍👩‍👧 王先生", 1)
        customers.set_tags(conn, APP, "o1", ["vip", "退款", "vip"], 2)
        customers.put_facts(conn, APP, "o1", {"vip_level": 3, "language": "zh"}, 3)
        customers.put_facts(conn, APP, "o1", {"language": None, "source": "ad"}, 4)
    with reading(engine) as conn:
        card = customers.get(conn, APP, "o1")
        assert customers.many(conn, APP, ["o1", "o2"]) == {"o1": card}
    assert card.remark == "👨‍👩‍👧 王先生"
    assert card.tags == ("vip", "退款")
    assert card.facts == {"vip_level": 3, "source": "ad"}
    assert card.updated_ms == 4


def test_facts_put_at_the_same_moment_are_all_kept(engine: Engine) -> None:
    def put(number: int) -> None:
        with writing(engine) as conn:
            customers.put_facts(conn, APP, "o1", {f"f{number}": number}, number)

    threads = [threading.Thread(target=put, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(engine) as conn:
        assert len(customers.get(conn, APP, "o1").facts) == 8


@pytest.mark.parametrize("remark", ["a\nb", "\u202eevil", "x" * 129, "\x00", "\ud83d"])
def test_a_remark_that_could_mislead_is_refused(engine: Engine, remark: str) -> None:
    with pytest.raises(Invalid, match="remark"), writing(engine) as conn:
        customers.set_remark(conn, APP, "o1", remark, 1)


def test_facts_are_bounded_and_a_refusal_changes_nothing(engine: Engine) -> None:
    with writing(engine) as conn:
        customers.put_facts(conn, APP, "o1", {"a": 1}, 1)
    with pytest.raises(Invalid, match="facts"), writing(engine) as conn:
        customers.put_facts(conn, APP, "o1", {"b": "x" * 9000}, 2)
    with reading(engine) as conn:
        assert customers.get(conn, APP, "o1").facts == {"a": 1}


def test_notes_are_listed_newest_first_and_removed_by_id(engine: Engine) -> None:
    with writing(engine) as conn:
        made = [customers.add_note(conn, APP, "o1", "wang", f"n{n}", n) for n in range(3)]
        first = customers.notes(conn, APP, "o1", limit=2)
        rest = customers.notes(conn, APP, "o1", first.next_cursor, 2)
        assert [n["text"] for n in first.items + rest.items] == ["n2", "n1", "n0"]
        customers.remove_note(conn, APP, "o1", made[1]["id"])
        with pytest.raises(Missing):
            customers.remove_note(conn, APP, "o2", made[0]["id"])
        assert len(customers.notes(conn, APP, "o1").items) == 2


def test_shipped_notices_speak_chinese_and_english() -> None:
    assert {"greeting", "queue", "away", "queue_full", "idle_close", "close"} <= set(DEFAULTS)
    assert DEFAULTS["queue"].texts["zh"].format(position=3).count("3") == 1
    for notice in DEFAULTS.values():
        longest = dict.fromkeys(notice.placeholders, "客" * 16)
        for text in notice.texts.values():
            assert len(text.format(**longest).encode()) <= 2048


def test_an_edited_notice_is_used_and_a_reset_one_is_the_default_again(engine: Engine) -> None:
    texts = NoticeTexts(engine, APP, DEFAULTS)
    other = NoticeTexts(engine, "wx2", DEFAULTS)
    with acting(engine) as conn:
        notices.put(conn, ADMIN, APP, DEFAULTS["queue"], "zh", "前面还有 {position} 位")
        notices.put(conn, ADMIN, APP, DEFAULTS["away"], "zh", "")
    texts.reload()
    other.reload()
    assert texts("queue", position=2) == "前面还有 2 位"
    assert texts("away") == ""
    assert other("away") == DEFAULTS["away"].texts["zh"]
    with acting(engine) as conn:
        notices.reset(conn, ADMIN, APP, "away", "zh")
    texts.reload()
    assert texts("away") == DEFAULTS["away"].texts["zh"]
    assert audit.page(engine).items[0]["act"] == "notice.reset"


@pytest.mark.parametrize(
    "text", ["{name}", "{position.__class__}", "{position!r}", "{position:9}", "{", "}", "{}"]
)
def test_a_notice_with_a_wrong_placeholder_is_refused_and_named(engine: Engine, text: str) -> None:
    with pytest.raises(Invalid, match=r"placeholder|brace"), acting(engine) as conn:
        notices.put(conn, ADMIN, APP, DEFAULTS["queue"], "zh", text)


def test_notices_go_on_while_the_database_is_away(engine: Engine) -> None:
    with writing(engine) as conn:
        conn.exec_driver_sql("DROP TABLE notices")
    texts = NoticeTexts(engine, APP, DEFAULTS, refresh_s=0.0)
    for _ in range(2):
        assert texts("greeting") == DEFAULTS["greeting"].texts["zh"]
        wait_until(lambda: all(thread.name != "notices" for thread in threading.enumerate()))


def test_an_agent_sees_shared_canned_replies_and_his_own(engine: Engine) -> None:
    with acting(engine) as conn:
        _people(conn)
        shared = canned.create(conn, APP, None, "a 问候", "您好", 1)
        mine = canned.create(conn, APP, 1, "b 我的", "好的\n谢谢", 1)
        canned.create(conn, APP, 2, "c 别人", "x", 1)
        assert canned.visible(conn, APP, 1) == [shared, mine]
        assert canned.update(conn, APP, mine.id, "b", "改", 2).text == "改"
        canned.remove(conn, APP, shared.id)
        with pytest.raises(Missing):
            canned.get(conn, APP, shared.id)
        with pytest.raises(Missing):
            canned.update(conn, "wx2", mine.id, "b", "改", 2)
        with pytest.raises(Invalid):
            canned.create(conn, APP, None, "", "x", 1)


def _people(conn: Any) -> None:
    for name in ("one", "two"):
        people.create(conn, ADMIN, people.NewPerson(name, "agent", "hash"))


def test_customer_media_is_noted_then_filled_once(engine: Engine) -> None:
    item = Media(APP, "m1", "image", 5, "s1", "o1", platform_media_id="PLAT")
    with writing(engine) as conn:
        assert media.note_pending(conn, item) == item
        assert media.note_pending(conn, item) == item
        assert media.pending(conn, APP) == [item]
        with pytest.raises(Missing):
            media.content(conn, APP, "m1")
        ready = media.fill(conn, APP, "m1", b"\xff\xd8jpeg", "image/jpeg")
        assert (ready.state, ready.size, ready.mime) == ("ready", 6, "image/jpeg")
        assert media.fill(conn, APP, "m1", b"other", "text/html") == ready
        assert media.fail(conn, APP, "m1") == ready
        assert media.content(conn, APP, "m1") == b"\xff\xd8jpeg"
        assert media.pending(conn, APP) == []


def test_a_failed_fetch_can_still_be_filled_later(engine: Engine) -> None:
    with writing(engine) as conn:
        media.note_pending(conn, Media(APP, "m1", "voice", 5, "s1", "o1"))
        assert media.fail(conn, APP, "m1").state == "failed"
        assert media.fill(conn, APP, "m1", b"amr", "audio/amr").state == "ready"


def test_an_upload_belongs_to_the_conversation_it_was_sent_in(engine: Engine) -> None:
    with writing(engine) as conn:
        made = media.add(conn, Media(APP, "u1", "image", 5, uploaded_by="wang"), b"png")
        assert (made.state, made.session_id) == ("ready", None)
        assert media.attach(conn, APP, "u1", "s1", "o1").session_id == "s1"
        assert media.attach(conn, APP, "u1", "s1", "o1").openid == "o1"
        with pytest.raises(Invalid):
            media.attach(conn, APP, "u1", "s2", "o2")


def test_media_refuses_nothing_too_much_and_a_used_id(engine: Engine) -> None:
    with writing(engine) as conn:
        for data in (b"", b"x" * (media.DATA_MAX_BYTES + 1)):
            with pytest.raises(Invalid):
                media.add(conn, Media(APP, "u1", "image", 5), data)
        media.add(conn, Media(APP, "u1", "image", 5), b"x")
    with pytest.raises(StorageConflict), writing(engine) as conn:
        media.add(conn, Media(APP, "u1", "image", 5), b"y")


def test_an_integration_is_known_by_its_token_until_revoked(engine: Engine) -> None:
    with acting(engine) as conn:
        made, token = integrations.issue(conn, ADMIN, "crm", ["customers.facts"])
        assert integrations.find(conn, token) == made
        assert integrations.find(conn, token + "x") is None
        assert integrations.find(conn, "kfi_é") is None
        integrations.revoke(conn, ADMIN, made.id)
        integrations.revoke(conn, ADMIN, made.id)
        assert integrations.find(conn, token) is None
        assert [one.name for one in integrations.everyone(conn)] == ["crm"]
        with pytest.raises(Missing):
            integrations.revoke(conn, ADMIN, 99)
        with pytest.raises(Invalid):
            integrations.issue(conn, ADMIN, "crm", ["everything"])
    entries = audit.page(engine).items
    assert [row["act"] for row in entries] == ["integration.revoke", "integration.issue"]
    assert token not in str(entries)


def test_the_first_of_two_values_stays_when_put_once(engine: Engine) -> None:
    with writing(engine) as conn:
        assert values.put_once(conn, "k", "a") == "a"
        assert values.put_once(conn, "k", "b") == "a"
        values.put(conn, "k", "c")
        assert values.get(conn, "k") == "c"
        values.remove(conn, "k")
        assert values.get(conn, "k") is None
