"""What a PUT takes and what a GET answers: one set of names."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from app.api.admin import groups, routing, transfer_rules


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        (groups.NewGroupBody, groups.GroupRow),
        (groups.HoursBody, groups.HoursShape),
        (routing.RuleBody, routing.RuleShape),
        (routing.EntryBody, routing.EntryShape),
        (routing.AnswerBody, routing.AnswerShape),
        (routing.RoutingBody, routing.RoutingShape),
        (transfer_rules.KeywordBody, transfer_rules.KeywordShape),
        (transfer_rules.TransferRulesBody, transfer_rules.RulesShape),
    ],
)
def test_a_document_is_written_under_the_names_it_is_read_under(
    body: type[BaseModel], shape: type[BaseModel]
) -> None:
    assert body.model_fields.keys() == shape.model_fields.keys()
