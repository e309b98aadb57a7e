"""People, kf_accounts and groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from app.storage import audit, groups, kf_accounts, people
from app.storage.audit import Actor, acting
from app.storage.errors import Invalid, Missing, Taken
from app.storage.groups import Group
from app.storage.kf_accounts import NewKfAccount
from app.storage.people import NewPerson
from app.storage.sql import StorageConflict, reading

APP = "wx1"
ADMIN = Actor("admin", "admin", 1000)


def _do(engine: Engine, act: Callable[[Connection], Any]) -> Any:
    with acting(engine) as conn:
        return act(conn)


def _account(engine: Engine, name: str = "kf1@acme", appid: str = APP, **more: Any) -> Any:
    new = NewKfAccount(appid, name, "小王", 5, **more)
    return _do(engine, lambda conn: kf_accounts.create(conn, ADMIN, new))


def _person(engine: Engine, name: str, role: str = "agent", **more: Any) -> Any:
    return _do(engine, lambda c: people.create(c, ADMIN, NewPerson(name, role, "hash", **more)))


def _signs_in(engine: Engine, name: str) -> str | None:
    with reading(engine) as conn:
        found = people.by_sign_in_name(conn, name)
    return found.username if found else None


def test_a_person_is_found_by_username_kf_account_and_bare_prefix(engine: Engine) -> None:
    _account(engine)
    _person(engine, "Wang", appid=APP, kf_account="kf1@acme")
    for name in ("wang", "WANG ", "kf1@acme", "KF1@acme", "kf1"):
        assert _signs_in(engine, name) == "wang"
    for name in ("kf", "kf1@", "kf1@acm", "%", "kf_", "", "x" * 500):
        assert _signs_in(engine, name) is None


def test_an_underscore_in_a_prefix_means_only_itself(engine: Engine) -> None:
    _account(engine, "a_b@acme")
    _person(engine, "one", appid=APP, kf_account="a_b@acme")
    assert _signs_in(engine, "a_b") == "one"
    assert _signs_in(engine, "axb") is None


def test_a_prefix_of_two_official_accounts_means_nobody(engine: Engine) -> None:
    _account(engine, "kf1@acme")
    _account(engine, "kf1@other", "wx2")
    _person(engine, "one", appid=APP, kf_account="kf1@acme")
    _person(engine, "two", appid="wx2", kf_account="kf1@other")
    assert _signs_in(engine, "kf1") is None
    assert _signs_in(engine, "kf1@other") == "two"


def test_a_username_is_given_once_whatever_its_case(engine: Engine) -> None:
    _person(engine, "wang")
    with pytest.raises(Taken):
        _person(engine, "WANG")


@pytest.mark.parametrize("name", ["", "a b", "kf1@acme", "x" * 65, "a\x00"])
def test_a_username_that_cannot_be_typed_is_refused(engine: Engine, name: str) -> None:
    with pytest.raises(Invalid, match="username"):
        _person(engine, name)


def test_one_kf_account_is_held_by_one_person(engine: Engine) -> None:
    _account(engine)
    _person(engine, "one", appid=APP, kf_account="kf1@acme")
    two = _person(engine, "two")
    with pytest.raises(Taken):
        _person(engine, "three", appid=APP, kf_account="kf1@acme")
    changes = {"appid": APP, "kf_account": "kf1@acme"}
    with pytest.raises(Taken):
        _do(engine, lambda conn: people.update(conn, ADMIN, two.id, changes))


def test_unknown_roles_and_kf_accounts_are_refused(engine: Engine) -> None:
    with pytest.raises(StorageConflict):
        _person(engine, "one", role="root")
    with pytest.raises(StorageConflict):
        _person(engine, "two", appid=APP, kf_account="nobody@acme")


def test_a_change_is_written_with_its_audit_entry_and_no_change_writes_none(
    engine: Engine,
) -> None:
    person = _person(engine, "one")
    changed = _do(engine, lambda c: people.update(c, ADMIN, person.id, {"role": "supervisor"}))
    _do(engine, lambda c: people.update(c, ADMIN, person.id, {"role": "supervisor"}))
    assert changed.role == "supervisor"
    acts = [(row["act"], row["detail"]) for row in audit.page(engine).items]
    assert acts[0] == ("person.update", {"role": "supervisor"})
    assert len(acts) == 2


def test_a_password_hash_is_in_no_audit_entry_and_no_repr(engine: Engine) -> None:
    person = _person(engine, "one")
    _do(engine, lambda conn: people.set_password(conn, ADMIN, person.id, "argon-secret"))
    with reading(engine) as conn:
        assert people.get(conn, person.id).password_hash == "argon-secret"
        assert "argon-secret" not in repr(people.get(conn, person.id))
    assert "argon-secret" not in str(audit.page(engine).items)


def test_a_kf_account_keeps_what_it_was_made_with(engine: Engine) -> None:
    _do(engine, lambda conn: groups.create(conn, ADMIN, Group(APP, "vip", "贵宾")))
    made = _account(engine, groups=("vip",), platform="registered", kf_id="1001")
    assert (made.groups, made.platform, made.kf_id) == (("vip",), "registered", "1001")
    with reading(engine) as conn:
        assert kf_accounts.everyone(conn, APP) == [made]
        assert groups.require(conn, APP, "vip").members == ("kf1@acme",)


def test_a_removed_kf_account_is_gone_until_it_is_made_again(engine: Engine) -> None:
    _account(engine)
    with pytest.raises(Taken):
        _account(engine)
    _do(engine, lambda conn: kf_accounts.remove(conn, ADMIN, APP, "kf1@acme"))
    with reading(engine) as conn:
        assert kf_accounts.everyone(conn, APP) == []
        assert len(kf_accounts.everyone(conn, APP, removed=True)) == 1
        with pytest.raises(Missing):
            kf_accounts.get(conn, APP, "kf1@acme")
    assert _account(engine).disabled is False


@pytest.mark.parametrize(
    "changes",
    [
        {"max_sessions": -1},
        {"max_sessions": 10**6},
        {"platform": "cloud"},
        {"nickname": "a\nb"},
        {"nickname": ""},
        {"kf_account": "x"},
    ],
)
def test_a_kf_account_refuses_bad_values_and_stays(engine: Engine, changes: dict[str, Any]) -> None:
    before = _account(engine)
    with pytest.raises(Invalid):
        _do(engine, lambda conn: kf_accounts.update(conn, ADMIN, APP, "kf1@acme", changes))
    with reading(engine) as conn:
        assert kf_accounts.get(conn, APP, "kf1@acme") == before


def test_groups_of_a_kf_account_are_replaced_as_a_whole(engine: Engine) -> None:
    for name in ("a", "b", "c"):
        _do(engine, lambda conn, n=name: groups.create(conn, ADMIN, Group(APP, n, n)))
    _account(engine, groups=("a", "b"))

    def put(wanted: tuple[str, ...]) -> Any:
        return _do(
            engine, lambda conn: kf_accounts.set_groups(conn, ADMIN, APP, "kf1@acme", wanted)
        )

    assert put(("c", "b", "c")).groups == ("b", "c")
    with pytest.raises(Missing):
        put(("a", "nowhere"))
    with reading(engine) as conn:
        assert kf_accounts.get(conn, APP, "kf1@acme").groups == ("b", "c")


def test_a_circle_of_fallbacks_is_refused(engine: Engine) -> None:
    _do(engine, lambda conn: groups.create(conn, ADMIN, Group(APP, "a", "A")))
    _do(engine, lambda conn: groups.create(conn, ADMIN, Group(APP, "b", "B", "a")))
    with pytest.raises(Invalid, match="fallback"):
        _do(engine, lambda conn: groups.replace(conn, ADMIN, Group(APP, "a", "A", "b")))
    with pytest.raises(Invalid, match="fallback"):
        _do(engine, lambda conn: groups.replace(conn, ADMIN, Group(APP, "a", "A", "a")))


def test_a_group_that_is_a_fallback_cannot_be_removed(engine: Engine) -> None:
    _do(engine, lambda conn: groups.create(conn, ADMIN, Group(APP, "a", "A")))
    _do(engine, lambda conn: groups.create(conn, ADMIN, Group(APP, "b", "B", "a")))
    with pytest.raises(Taken, match="fallback of b"):
        _do(engine, lambda conn: groups.remove(conn, ADMIN, APP, "a"))
    _account(engine, groups=("b",))
    _do(engine, lambda conn: groups.remove(conn, ADMIN, APP, "b"))
    with reading(engine) as conn:
        assert kf_accounts.get(conn, APP, "kf1@acme").groups == ()
        assert [g.name for g in groups.everyone(conn, APP)] == ["a"]


def test_a_default_group_is_ensured_without_touching_an_edited_one(engine: Engine) -> None:
    default = Group(APP, "general_support", "综合客服")
    for _ in range(2):
        _do(engine, lambda conn: groups.ensure(conn, default, 1))
    edited = Group(APP, "general_support", "前台", settings={"assign": "manual"})
    _do(engine, lambda conn: groups.replace(conn, ADMIN, edited))
    _do(engine, lambda conn: groups.ensure(conn, default, 2))
    with reading(engine) as conn:
        assert groups.require(conn, APP, "general_support").title == "前台"
