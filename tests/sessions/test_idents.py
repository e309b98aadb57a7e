"""An operation's id is nobody else's, whatever else uses random numbers."""

from __future__ import annotations

import multiprocessing
import random

from sessions.idents import fresh_ident


def test_a_seed_that_somebody_sets_repeats_no_ident() -> None:
    found = set()
    for _ in range(3):
        random.seed(7)
        found.add(fresh_ident())
    assert len(found) == 3


def test_processes_forked_from_one_make_idents_of_their_own() -> None:
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
        found = pool.map(_idents, range(4), chunksize=1)
    assert len({ident for some in found for ident in some}) == 4 * 10


def _idents(_: int) -> list[str]:
    return [fresh_ident() for _ in range(10)]
