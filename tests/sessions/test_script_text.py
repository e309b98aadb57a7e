"""A script carries the shared functions it uses, and no other."""

from __future__ import annotations

import re

import pytest

from sessions.store import script_text
from sessions.store.keys import FORMATS
from sessions.store.script_text import SHARED, source
from sessions.store.scripts import NAMES

DEFINED = re.compile(r"^local function (\w+)", re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_every_shared_function_that_is_called_is_defined_before(name: str) -> None:
    shared = {one for file in SHARED for one in DEFINED.findall(script_text._read(file))}
    text = source(name)
    for called in shared & set(re.findall(r"\b(\w+)\(", text)):
        assert text.index(f"local function {called}(") <= text.index(f"{called}(")


def test_what_is_not_used_is_left_out_and_what_is_used_by_what_is_used_is_not() -> None:
    assert DEFINED.findall(source("mark_agent")) == ["k", "int", "mark"]
    assert source("mend").count("local function") == 1


def test_key_names_are_replaced_by_their_formats() -> None:
    assert f"k('{FORMATS['changes']}')" in source("mark_agent")
    assert "k('changes'" in script_text._read("lib")


def test_a_key_that_nobody_knows_is_an_error_when_the_text_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = script_text._read
    monkeypatch.setattr(script_text, "_read", lambda f: "k('nobody')" if f == "x" else read(f))
    with pytest.raises(KeyError, match="nobody"):
        source("x")
