"""What lives as long as the process is not the collector's business."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest

from app.node.tuning import FULL_EVERY, SHORT_TURN_S, SHORT_TURNS, permanent


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.enable()
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_what_is_made_inside_is_never_gone_through_again() -> None:
    before = gc.get_freeze_count()
    with permanent():
        made = [[] for _ in range(1000)]
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + 1000
    looked_at = {id(thing) for thing in gc.get_objects()}
    assert not looked_at & {id(one) for one in made}


def test_afterwards_a_full_collection_is_rarer_and_the_young_are_looked_at_as_often() -> None:
    before = gc.get_threshold()
    with permanent():
        pass
    assert gc.get_threshold() == (*before[:2], FULL_EVERY)


def test_a_start_that_fails_leaves_the_collector_at_work() -> None:
    with pytest.raises(RuntimeError), permanent():
        raise RuntimeError
    assert gc.isenabled()


def test_turns_are_short_while_anything_computes_and_as_usual_afterwards() -> None:
    usual = sys.getswitchinterval()
    with pytest.raises(ZeroDivisionError), SHORT_TURNS:
        with SHORT_TURNS:
            assert sys.getswitchinterval() == pytest.approx(SHORT_TURN_S)
        assert sys.getswitchinterval() == pytest.approx(SHORT_TURN_S)
        _ = 1 / 0
    assert sys.getswitchinterval() == usual
