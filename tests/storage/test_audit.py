from __future__ import annotations

import threading

import pytest
from sqlalchemy import Engine, text

from app.storage import audit
from app.storage.audit import Actor, AuditFilters, acting, record
from app.storage.sql import StorageError, writing

ADMIN = Actor("admin", "admin", 1000, "10.0.0.1", "req-1")


def _act(engine: Engine, times: int, act: str = "person.update") -> None:
    for number in range(times):
        with acting(engine) as conn:
            record(conn, ADMIN, act, f"p{number}", {"nickname": "小王"})


def _tamper(engine: Engine, statement: str) -> None:
    with writing(engine) as conn:
        if engine.dialect.name == "sqlite":
            conn.execute(text("DROP TRIGGER audit_no_update"))
            conn.execute(text("DROP TRIGGER audit_no_delete"))
        else:
            conn.execute(text("DROP TRIGGER audit_append_only ON audit"))
        conn.execute(text(statement))


def test_entries_form_an_unbroken_chain(engine: Engine) -> None:
    _act(engine, 5)
    assert audit.verify(engine) is None
    newest = audit.page(engine).items[0]
    assert (newest["id"], newest["who"], newest["object"]) == (5, "admin", "p4")
    assert newest["detail"] == {"nickname": "小王"}


@pytest.mark.parametrize("statement", ["UPDATE audit SET who = 'x'", "DELETE FROM audit"])
def test_entries_cannot_be_changed_or_removed(engine: Engine, statement: str) -> None:
    _act(engine, 2)
    with pytest.raises(StorageError), writing(engine) as conn:
        conn.execute(text(statement))
    assert audit.verify(engine) is None
    assert len(audit.page(engine).items) == 2


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE audit SET who = 'somebody' WHERE id = 3", 3),
        ("UPDATE audit SET at_ms = 5 WHERE id = 1", 1),
        ("DELETE FROM audit WHERE id = 2", 3),
        ("DELETE FROM audit WHERE id = 1", 2),
    ],
)
def test_tampering_behind_the_programs_back_is_found(
    engine: Engine, statement: str, found: int
) -> None:
    _act(engine, 4)
    _tamper(engine, statement)
    assert audit.verify(engine) == found


def test_an_act_that_fails_leaves_no_entry(engine: Engine) -> None:
    with pytest.raises(RuntimeError), acting(engine) as conn:
        record(conn, ADMIN, "person.create", "p1")
        raise RuntimeError
    assert audit.page(engine).items == []


def test_acts_at_the_same_moment_keep_one_chain(engine: Engine) -> None:
    threads = [threading.Thread(target=_act, args=(engine, 5)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert audit.verify(engine) is None
    assert audit.page(engine, limit=200).items[0]["id"] == 30


def test_the_list_is_filtered_and_paged_newest_first(engine: Engine) -> None:
    _act(engine, 3)
    _act(engine, 2, "group.create")
    wanted = AuditFilters(act="person.update")
    first = audit.page(engine, wanted, limit=2)
    second = audit.page(engine, wanted, cursor=first.next_cursor, limit=2)
    assert [row["id"] for row in first.items + second.items] == [3, 2, 1]
    assert second.next_cursor is None
    assert audit.page(engine, AuditFilters(until_ms=1000)).items == []
