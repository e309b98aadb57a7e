"""Signing in, and what the directory does to people who are signed in."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import redis
from argon2 import PasswordHasher
from sqlalchemy import Engine

from app.auth.errors import AuthError, BadCredentials, Busy, Throttled
from app.auth.logins import Logins
from app.auth.password_rules import WeakPassword
from app.auth.passwords import Passwords
from app.auth.signin import SignIn
from app.auth.throttle import Throttle
from app.directory.people import LastAdmin, PeopleDirectory, Registration
from app.storage import audit, kf_accounts, people
from app.storage.audit import Actor, acting
from app.storage.errors import Invalid, Taken
from app.storage.kf_accounts import NewKfAccount
from app.storage.people import Person
from app.storage.sql import reading, writing
from sessions.model import StoreDown

ADMIN = Actor("admin", "admin", 1000, "10.0.0.9", "req-9")
HOME = "10.0.0.1"
PASSWORD = "correct horse"


@pytest.fixture
def wang(engine: Engine, directory: PeopleDirectory) -> Person:
    with acting(engine) as conn:
        kf_accounts.create(conn, ADMIN, NewKfAccount("wx1", "kf1@acme", "小王", 5))
    wish = Registration("wang", "agent", PASSWORD, "小王", "wx1", "kf1@acme")
    return directory.register(ADMIN, wish).person


@pytest.mark.parametrize("name", ["wang", "kf1@acme", "kf1"])
def test_a_person_signs_in_by_username_or_kf_account(
    sign_in: SignIn, logins: Logins, wang: Person, name: str
) -> None:
    found = logins.find(sign_in.token(name, PASSWORD, HOME).secret, "token")
    assert found is not None
    assert (found.person_id, found.kf_account) == (wang.id, "kf1@acme")


def test_the_demos_agents_sign_in_only_while_the_demo_is_served(
    engine: Engine, sign_in: SignIn, directory: PeopleDirectory, wang: Person
) -> None:
    with acting(engine) as conn:
        kf_accounts.create(conn, ADMIN, NewKfAccount("wx_demo", "kf1@demo", "演示", 5))
    demo = Registration("kf1", "agent", PASSWORD, "演示", "wx_demo", "kf1@demo")
    directory.register(ADMIN, demo)
    with pytest.raises(BadCredentials):
        sign_in.cookie("kf1@demo", PASSWORD, HOME)
    assert sign_in.cookie("kf1", PASSWORD, HOME).login.person_id == wang.id


def test_every_refusal_says_the_same(
    sign_in: SignIn, directory: PeopleDirectory, wang: Person
) -> None:
    said = set()
    directory.register(ADMIN, Registration("li", "agent", PASSWORD))
    gone = directory.register(ADMIN, Registration("zhao", "agent", PASSWORD)).person
    directory.set_disabled(ADMIN, gone.id, True)
    for name, password in [("wang", "wrong password"), ("nobody", PASSWORD), ("zhao", PASSWORD)]:
        with pytest.raises(BadCredentials) as refused:
            sign_in.cookie(name, password, HOME)
        said.add(str(refused.value))
    assert len(said) == 1


def test_guessing_is_stopped_also_for_the_right_password(sign_in: SignIn, wang: Person) -> None:
    for _ in range(3):
        with pytest.raises(BadCredentials):
            sign_in.cookie("wang", "wrong password", HOME)
    for name in ("wang", "kf1"):
        with pytest.raises(Throttled):
            sign_in.cookie(name, PASSWORD, HOME)
    assert sign_in.cookie("wang", PASSWORD, "10.0.0.2").login.username == "wang"


def test_guessing_an_unknown_name_is_stopped_alike(sign_in: SignIn) -> None:
    for _ in range(3):
        with pytest.raises(BadCredentials):
            sign_in.cookie("nobody", "wrong password", HOME)
    with pytest.raises(Throttled):
        sign_in.cookie("nobody", "wrong password", HOME)


def test_fifty_agents_sign_in_at_once_from_one_office(
    engine: Engine, sign_in: SignIn, passwords: Passwords
) -> None:
    hashed = passwords.hash(PASSWORD)
    with acting(engine) as conn:
        for number in range(50):
            people.create(conn, ADMIN, people.NewPerson(f"a{number}", "agent", hashed))
    outcomes: list[str] = []

    def enter(name: str) -> None:
        try:
            outcomes.append(sign_in.cookie(name, PASSWORD, HOME).login.username)
        except AuthError as refused:
            outcomes.append(str(refused))

    threads = [threading.Thread(target=enter, args=(f"a{n}",)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == sorted(f"a{n}" for n in range(50))


def test_a_sign_in_that_found_no_room_is_not_held_against_the_person(
    engine: Engine, throttle: Throttle, logins: Logins, wang: Person
) -> None:
    crowded = Passwords(parallel=1, wait_s=0.01)
    sign_in = SignIn(engine, crowded, throttle, logins, {"wx1"})
    with crowded._slot():
        for _ in range(10):
            with pytest.raises(Busy):
                sign_in.cookie("wang", PASSWORD, HOME)
    assert sign_in.cookie("wang", PASSWORD, HOME).login.username == "wang"


def test_an_old_hash_is_renewed_at_the_next_sign_in(
    engine: Engine, sign_in: SignIn, passwords: Passwords, wang: Person
) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with writing(engine) as conn:
        people.rehash(conn, wang, old)
    sign_in.cookie("wang", PASSWORD, HOME)
    with reading(engine) as conn:
        assert not passwords.outdated(people.get(conn, wang.id).password_hash)
    sign_in.cookie("wang", PASSWORD, HOME)


def test_what_takes_something_away_signs_out_everywhere(
    sign_in: SignIn, logins: Logins, directory: PeopleDirectory, wang: Person
) -> None:
    password = PASSWORD

    def signed_out_by(change: object) -> bool:
        cookie = sign_in.cookie("wang", password, HOME).secret
        token = sign_in.token("wang", password, HOME).secret
        assert callable(change)
        change()
        found = [logins.find(cookie, "cookie"), logins.find(token, "token")]
        return found == [None, None]

    assert not signed_out_by(lambda: directory.rename(ADMIN, wang.id, "王五"))
    assert signed_out_by(lambda: directory.set_role(ADMIN, wang.id, "supervisor"))
    assert signed_out_by(lambda: directory.assign_account(ADMIN, wang.id, None, None))
    assert signed_out_by(lambda: directory.reset_password(ADMIN, wang.id, "another password"))
    password = "another password"
    assert signed_out_by(lambda: directory.set_disabled(ADMIN, wang.id, True))
    with pytest.raises(BadCredentials):
        sign_in.cookie("wang", password, HOME)
    directory.set_disabled(ADMIN, wang.id, False)
    assert sign_in.cookie("wang", password, HOME).login.role == "supervisor"


def test_a_change_is_refused_as_a_whole_while_redis_is_away(
    engine: Engine, passwords: Passwords, wang: Person
) -> None:
    away = redis.Redis(
        unix_socket_path="/nonexistent/redis.sock", decode_responses=True, retry=None
    )
    directory = PeopleDirectory(engine, passwords, Logins(away, b"key"))
    with pytest.raises(StoreDown):
        directory.set_disabled(ADMIN, wang.id, True)
    with reading(engine) as conn:
        assert people.get(conn, wang.id) == wang
    away.close()


def test_ones_own_password_is_changed_with_the_old_one_only(
    sign_in: SignIn, logins: Logins, directory: PeopleDirectory, wang: Person
) -> None:
    me = Actor("wang", "agent", 2000, HOME)
    mine = sign_in.cookie("wang", PASSWORD, HOME).secret
    with pytest.raises(BadCredentials):
        directory.change_own_password(sign_in, me, wang.id, "wrong password", "new password")
    for weak in ("", "short"):
        with pytest.raises(WeakPassword):
            directory.change_own_password(sign_in, me, wang.id, PASSWORD, weak)
    assert logins.find(mine, "cookie") is not None
    changed = directory.change_own_password(sign_in, me, wang.id, PASSWORD, "new password")
    assert changed.password_changed_ms == 2000
    assert logins.find(mine, "cookie") is None
    with pytest.raises(BadCredentials):
        sign_in.cookie("wang", PASSWORD, HOME)
    assert sign_in.cookie("wang", "new password", HOME)


def test_the_last_admin_cannot_be_taken_away(directory: PeopleDirectory) -> None:
    first = directory.register(ADMIN, Registration("boss", "admin", PASSWORD)).person
    for change in (
        lambda: directory.set_role(ADMIN, first.id, "agent"),
        lambda: directory.set_disabled(ADMIN, first.id, True),
    ):
        with pytest.raises(LastAdmin):
            change()
    directory.register(ADMIN, Registration("second", "admin", PASSWORD))
    assert directory.set_disabled(ADMIN, first.id, True).disabled


def test_a_password_can_be_made_for_a_new_person(
    sign_in: SignIn, directory: PeopleDirectory
) -> None:
    made = directory.register(ADMIN, Registration("li", "agent"))
    assert made.generated_password is not None
    assert made.generated_password not in repr(made)
    assert sign_in.cookie("li", made.generated_password, HOME)


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        (Registration("li", "root", PASSWORD), Invalid),
        (Registration("l i", "agent", PASSWORD), Invalid),
        (Registration("li", "agent", "short"), WeakPassword),
        (Registration("wang", "agent", PASSWORD), Taken),
    ],
)
def test_a_bad_registration_leaves_nothing(
    directory: PeopleDirectory, wang: Person, wish: Registration, error: type[Exception]
) -> None:
    with pytest.raises(error):
        directory.register(ADMIN, wish)
    assert [person.username for person in directory.everyone()] == ["wang"]


def test_the_first_admin_is_made_once_with_the_given_password(
    sign_in: SignIn, directory: PeopleDirectory
) -> None:
    made = directory.ensure_first_admin(1000, PASSWORD)
    assert made is not None and made.generated_password is None
    assert directory.ensure_first_admin(2000, "another password") is None
    assert sign_in.cookie("admin", PASSWORD, HOME).login.role == "admin"


def test_nodes_that_start_at_once_make_one_first_admin(
    engine: Engine, sign_in: SignIn, directory: PeopleDirectory
) -> None:
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(directory.ensure_first_admin(1000, None)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    printed = [one.generated_password for one in made if one]
    assert len(made) == 6 and len(printed) == 1
    assert sign_in.cookie("admin", printed[0] or "", HOME)


def test_no_password_reaches_the_audit_log_or_the_files(
    engine: Engine, directory: PeopleDirectory, wang: Person, tmp_path: Path
) -> None:
    directory.reset_password(ADMIN, wang.id, "hushhush-password")
    assert "hushhush" not in str(audit.page(engine).items)
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"hushhush" not in file.read_bytes()
