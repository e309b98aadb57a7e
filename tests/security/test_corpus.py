"""The callback's parsers: inputs that a fuzzer once found interesting, and any bytes on every way in."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.security.callback_surface import NAMES, corpus, one_input

KEPT = list(corpus())


@pytest.mark.parametrize(
    ("name", "data"), KEPT, ids=[f"{name}-{n}" for n, (name, _) in enumerate(KEPT)]
)
def test_what_was_once_interesting_raises_only_refusals(name: str, data: bytes) -> None:
    one_input(data)


def test_every_way_in_has_inputs_that_get_through_and_inputs_that_do_not() -> None:
    seen = Counter((name, one_input(data)) for name, data in KEPT)
    for name in NAMES:
        assert seen[name, True], name
        assert seen[name, False] or name in ("reply", "pasted"), name


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(NAMES) - 1), st.binary(max_size=300))
def test_any_bytes_on_any_way_in_raise_only_refusals(way: int, data: bytes) -> None:
    one_input(bytes([way]) + data)
