"""A node's threads share one core, and look for a better one where others are busy on it."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import uuid
from collections.abc import Iterator

import pytest

from app.node.one_core import OneCore, Times, better_core, busy_shares, parse

STAT = """cpu  300 0 100 1600 20 0 0 0 0 0
cpu0 100 10 50 700 10 5 5 20 0 0
cpu1 200 0 50 900 10 0 0 0 0 0
intr 12345 0 9
ctxt 99
"""
GIVEN = os.sched_getaffinity(0) if sys.platform == "linux" else set[int]()
several = pytest.mark.skipif(len(GIVEN) < 2, reason="there is one core only")


def test_the_time_of_each_core_is_read_and_what_the_hypervisor_took_is_not_free() -> None:
    assert parse(STAT) == {0: Times(free=710, all=900), 1: Times(free=910, all=1160)}


def test_a_core_was_busy_for_what_it_was_not_free_in_between() -> None:
    before = {0: Times(100, 200), 1: Times(50, 200), 2: Times(0, 0)}
    after = {0: Times(110, 300), 1: Times(150, 300), 2: Times(0, 0), 3: Times(1, 2)}
    assert busy_shares(before, after) == {0: pytest.approx(0.9), 1: 0.0}


@pytest.mark.parametrize(
    ("own", "busy", "better"),
    [
        (0.95, {0: 1.0, 1: 0.0}, None),  # busy with its own work
        (0.30, {0: 0.5, 1: 0.0}, None),  # not worth a move
        (0.50, {0: 0.8, 1: 0.0}, 1),
        (0.00, {0: 1.0, 1: 0.4}, 1),  # nothing to do yet, and no room for it
        (0.50, {0: 1.0, 1: 0.3}, None),  # no better there
        (0.50, {0: 1.0, 1: 0.4, 2: 0.1, 3: 0.1}, 2),
        (1.20, {0: 1.0, 1: 0.0}, None),  # computes on others, too
        (0.50, {1: 0.0}, None),  # its own core is not told of
    ],
)
def test_a_process_leaves_a_core_where_others_are_busy_for_a_free_one(
    own: float, busy: dict[int, float], better: int | None
) -> None:
    assert better_core(0, own, busy) == better


class Machine:
    """Two cores whose ticks a test lets pass; the real ones are where the threads go."""

    def __init__(self) -> None:
        self.name = f"test-{uuid.uuid4().hex}"
        self.nodes = list[OneCore]()
        self.ticks = {core: [0, 0] for core in sorted(GIVEN)[:2]}

    def passes(self, busy_core: int) -> None:
        for core, (free, busy) in self.ticks.items():
            self.ticks[core] = [free, busy + 100] if core == busy_core else [free + 100, busy]

    def read(self) -> str:
        rows = (f"cpu{core} {busy} 0 0 {free} 0 0 0 0" for core, (free, busy) in self.ticks.items())
        return "\n".join(rows)


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine()
    yield made
    for node in made.nodes:
        node.end()
    _set_free()


def _set_free() -> None:
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread), GIVEN)


def _node(machine: Machine, leaves: bool = True) -> OneCore:
    """One more node of the machine, which has nothing to do."""
    _set_free()
    made = OneCore(machine.name, machine.read, lambda: 0.0, lambda: leaves)
    machine.nodes.append(made)
    return made


def _kept(machine: Machine, leaves: bool = True) -> tuple[OneCore, int]:
    one_core = _node(machine, leaves)
    assert one_core.keep()
    (core,) = os.sched_getaffinity(0)
    return one_core, core


def _cores_of_all_threads() -> list[set[int]]:
    return [os.sched_getaffinity(int(thread)) for thread in os.listdir("/proc/self/task")]


@several
def test_all_threads_move_to_a_core_that_is_free(machine: Machine) -> None:
    over = threading.Event()
    threading.Thread(target=over.wait, daemon=True).start()
    one_core, core = _kept(machine)
    assert all(cores == {core} for cores in _cores_of_all_threads())
    machine.passes(busy_core=core)
    assert one_core.look()
    other = next(one for one in machine.ticks if one != core)
    assert all(cores == {other} for cores in _cores_of_all_threads())
    over.set()


@several
def test_of_two_processes_that_meet_not_both_leave(machine: Machine) -> None:
    one_core, core = _kept(machine, leaves=False)
    machine.passes(busy_core=core)
    assert one_core.look()
    assert os.sched_getaffinity(0) == {core}


@several
def test_each_node_of_a_machine_has_a_core_of_its_own_and_one_too_many_is_the_kernels_to_place(
    machine: Machine,
) -> None:
    assert {_kept(machine)[1] for _ in GIVEN} == GIVEN
    assert not _node(machine).keep()
    assert os.sched_getaffinity(0) == GIVEN


@several
def test_a_core_that_another_node_has_is_not_moved_to(machine: Machine) -> None:
    *_, (one_core, core) = [_kept(machine) for _ in GIVEN]
    machine.passes(busy_core=core)
    assert one_core.look()
    assert os.sched_getaffinity(0) == {core}


@several
def test_a_core_is_free_again_once_its_node_is_placed_by_somebody_else(machine: Machine) -> None:
    (one_core, core), *_ = [_kept(machine) for _ in GIVEN]
    _set_free()
    assert not one_core.look()
    assert _kept(machine)[1] == core


@several
def test_whoever_places_the_process_from_outside_has_the_last_word(machine: Machine) -> None:
    one_core, core = _kept(machine)
    _set_free()
    machine.passes(busy_core=core)
    assert not one_core.look()
    with one_core.left():
        pass
    assert os.sched_getaffinity(0) == GIVEN


@several
def test_what_computes_without_the_interpreter_may_use_any_core(machine: Machine) -> None:
    one_core, core = _kept(machine)
    with pytest.raises(ZeroDivisionError), one_core.left():
        assert os.sched_getaffinity(0) == GIVEN
        raise ZeroDivisionError
    assert os.sched_getaffinity(0) == {core}


@several
def test_where_nothing_is_to_choose_from_all_stays_as_it_is(machine: Machine) -> None:
    one_core = _node(machine)
    os.sched_setaffinity(0, {min(GIVEN)})
    assert not one_core.keep()
    with one_core.left():
        assert os.sched_getaffinity(0) == {min(GIVEN)}


@several
def test_a_machine_that_does_not_tell_its_times_is_left_alone(machine: Machine) -> None:
    def read() -> str:
        raise PermissionError

    assert not OneCore(machine.name, read).keep()
    assert os.sched_getaffinity(0) == GIVEN
