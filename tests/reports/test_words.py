"""The words of exports: complete, and the same as on the pages."""

from __future__ import annotations

import pytest

from app.reports.words import TABLES
from sessions.model import CloseReason, Delivery, State
from tests.web.test_words import TYPES, words


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_state_reason_type_and_status_of_an_export_has_words(language: str) -> None:
    needed = {*State, *Delivery, *(f"reason.{reason}" for reason in CloseReason)}
    needed |= {f"type.{kind}" for kind in TYPES}
    assert {str(key) for key in needed} <= set(TABLES[language])


def test_both_languages_have_the_same_words() -> None:
    assert TABLES["zh"].keys() == TABLES["en"].keys()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_states_and_types_are_named_as_on_the_pages(language: str) -> None:
    page, export = words(language), TABLES[language]
    shared = {f"state.{state}": str(state) for state in State}
    shared |= {f"type.{kind}": f"type.{kind}" for kind in TYPES}
    for key, name in shared.items():
        assert export[name] == page[key].lower(), key
