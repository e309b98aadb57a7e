"""Usernames that a reader takes for one another."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, update

from app.storage import people
from app.storage.audit import Actor, acting
from app.storage.errors import Taken
from app.storage.lookalikes import skeleton
from app.storage.people import NewPerson
from app.storage.schema import people as table
from app.storage.sql import reading, writing

ADMIN = Actor("admin", "admin", 1)


@pytest.mark.parametrize(
    "other", ["аdmin", "αdmin", "аԁmіn", "ɑdmin", "adrnin", "admın", "ADMIN", "ａｄｍｉｎ"]
)
def test_they_have_the_same_skeleton(other: str) -> None:
    assert skeleton(people.clean_username(other)) == skeleton("admin")


@pytest.mark.parametrize(
    "pair",
    [("agent1", "agent2"), ("wang", "wan"), ("小林", "小木"), ("lily", "li1i"), ("a.b", "a-b")],
)
def test_names_that_differ_to_a_reader_differ(pair: tuple[str, str]) -> None:
    assert skeleton(pair[0]) != skeleton(pair[1])


def test_a_name_that_looks_like_another_is_taken(engine: Engine) -> None:
    with acting(engine) as conn:
        people.create(conn, ADMIN, NewPerson("admin", "admin", "hash"))
    for name in ("аdmin", "adrnin", "Admın"):
        with pytest.raises(Taken, match="looks like admin"), acting(engine) as conn:
            people.create(conn, ADMIN, NewPerson(name, "agent", "hash"))


def test_names_from_before_stay_able_to_sign_in(engine: Engine) -> None:
    with acting(engine) as conn:
        people.create(conn, ADMIN, NewPerson("admin", "admin", "hash"))
        people.create(conn, ADMIN, NewPerson("other", "agent", "hash"))
    with writing(engine) as conn:
        conn.execute(update(table).where(table.c.username == "other").values(username="аdmin"))
    with reading(engine) as conn:
        found = [people.by_sign_in_name(conn, name) for name in ("admin", "аdmin")]
    assert [person and person.role for person in found] == ["admin", "agent"]
