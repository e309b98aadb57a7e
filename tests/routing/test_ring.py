"""The ring as a value: who owns which key, and what a change moves."""

from __future__ import annotations

import sys
import threading
from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from routing.ring import NAMES_KEPT, VNODES_MAX, VNODES_MIN, Ring, point, vnode_count

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
CREWS = st.dictionaries(NAMES, st.integers(1, 30), max_size=12)
KEYS = [f"oABCD{number:022d}" for number in range(400)]


def homes(ring: Ring) -> dict[str, str | None]:
    return {key: ring.home(key) for key in KEYS}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("", 0),
        ("oABCD1234567890abcdefghijklm", 10791627896225192542),
        ("客户", 6100141584148809746),
        ("hello", 0xCBD8A7B341BD9B02),  # as Appleby's own program prints it
    ],
)
def test_a_keys_point_is_the_same_in_every_process_and_release(key: str, expected: int) -> None:
    assert point(key) == expected


def test_an_empty_ring_has_nobody() -> None:
    assert Ring().home("customer") is None
    assert list(Ring().walk("customer")) == []
    assert Ring.of([]) == Ring()


@given(CREWS)
def test_a_walk_meets_everybody_once_and_starts_at_home(crew: dict[str, int]) -> None:
    ring = Ring.of(crew.items())
    for key in KEYS[:20]:
        walk = list(ring.walk(key))
        assert sorted(walk) == sorted(crew)
        assert walk[:1] == ([ring.home(key)] if crew else [])


@given(CREWS, st.data())
def test_the_order_of_agents_does_not_matter(crew: dict[str, int], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(list(crew.items())))
    assert Ring.of(shuffled) == Ring.of(crew.items())


@given(CREWS, st.data())
def test_only_the_leavers_keys_move(crew: dict[str, int], data: st.DataObject) -> None:
    assume(crew)
    leaver = data.draw(st.sampled_from(sorted(crew)))
    before = Ring.of(crew.items())
    after = before.remove(leaver)
    moved = {key for key in KEYS if before.home(key) != after.home(key)}
    assert moved == {key for key in KEYS if before.home(key) == leaver}
    for key in moved:
        rest = [name for name in before.walk(key) if name != leaver]
        assert after.home(key) == (rest[0] if rest else None)


@given(CREWS, NAMES, st.integers(1, 30))
def test_a_newcomer_only_takes_keys(crew: dict[str, int], name: str, weight: int) -> None:
    assume(name not in crew)
    before = Ring.of(crew.items())
    after = before.add(name, weight)
    for key in KEYS:
        assert after.home(key) in (before.home(key), name)


@given(CREWS, CREWS)
def test_a_ring_made_from_another_is_the_ring_made_anew(
    have: dict[str, int], wanted: dict[str, int]
) -> None:
    before = Ring.of(have.items())
    untouched = Ring.of(have.items())
    assert before.with_agents(wanted.items()) == Ring.of(wanted.items())
    assert before == untouched


def test_who_left_long_ago_is_kept_nowhere() -> None:
    ring = Ring.of((f"a{n}", 5) for n in range(10))
    for number in range(100):
        ring = ring.remove(ring.weights[0][0]).add(f"new{number}", 5)
        assert ring == Ring.of(ring.weights)
    assert len(ring._names) <= NAMES_KEPT * 10 + 1


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 12)), max_size=40))
def test_steps_of_one_change_each_end_at_the_ring_made_anew(steps: list[tuple[str, int]]) -> None:
    crew = {f"agent{number}": 5 for number in range(8)}
    ring = Ring.of(crew.items())
    for name, weight in steps:
        if weight:
            crew[name], ring = weight, ring.add(name, weight)
        else:
            crew.pop(name, None)
            ring = ring.remove(name)
        assert ring == Ring.of(crew.items())


def test_the_same_agents_give_the_same_ring_object() -> None:
    ring = Ring.of([("a", 5), ("b", 5)])
    assert ring.with_agents([("b", 5), ("a", 5)]) is ring
    assert ring.remove("nobody") is ring


def test_agents_get_keys_in_proportion_to_their_seats() -> None:
    crew = {f"agent{number}": 5 for number in range(10)} | {f"double{n}": 10 for n in range(10)}
    ring = Ring.of(crew.items())
    owners = Counter(ring.home(f"customer{n}") for n in range(60_000))
    single = sum(owners[name] for name, weight in crew.items() if weight == 5)
    double = sum(owners[name] for name, weight in crew.items() if weight == 10)
    assert 1.7 < double / single < 2.3


@pytest.mark.parametrize(("agents", "bound"), [(10, 1.35), (100, 1.5)])
def test_equal_agents_get_about_equal_shares(agents: int, bound: float) -> None:
    ring = Ring.of((f"agent{number}@gh_demo", 5) for number in range(agents))
    owners = Counter(ring.home(f"oXYZ{n:024d}") for n in range(400 * agents))
    assert max(owners.values()) / 400 < bound


def test_the_number_of_places_is_bounded() -> None:
    assert vnode_count(1) >= VNODES_MIN
    assert vnode_count(5) == 100
    assert vnode_count(10**6) == VNODES_MAX


def test_readers_never_notice_a_change() -> None:
    crew = [(f"agent{number}", 5) for number in range(60)]
    holder = [Ring.of(crew)]
    known = {name for name, _ in crew} | {"newcomer"}
    done, wrong = threading.Event(), list[str]()

    def read() -> None:
        while not done.is_set():
            for key in KEYS[:50]:
                ring = holder[0]
                walk = list(ring.walk(key))
                if not known >= set(walk) or len(walk) != len(ring.weights):
                    wrong.append(key)

    with often_switching():
        readers = [threading.Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        for turn in range(400):
            holder[0] = holder[0].remove(f"agent{turn % 60}").add("newcomer", 5)
            holder[0] = holder[0].with_agents(crew)
        done.set()
        for reader in readers:
            reader.join()
    assert wrong == []
    assert holder[0] == Ring.of(crew)


class often_switching:
    """Threads take turns every 50 µs, so that a torn read would be met."""

    def __enter__(self) -> None:
        self._before = sys.getswitchinterval()
        sys.setswitchinterval(50e-6)

    def __exit__(self, *error: object) -> None:
        sys.setswitchinterval(self._before)
