"""Search in the caller's conversations."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from app.api.agent.readers import reader
from app.api.core import Call, Query, Routes, Shape
from app.api.shapes import MessageShape, SessionShape
from app.conversations import search
from app.refusals import Refusal

routes = Routes()


class SearchQuery(Query):
    """``q`` is searched literally, anywhere in a text. It has at least two characters."""

    q: str = Field(min_length=1, max_length=64)
    limit: int = Field(50, ge=1, le=100)

    @field_validator("q")
    @classmethod
    def _trimmed(cls, q: str) -> str:
        if len(q.strip()) < 2:
            raise ValueError("must have two characters at least")
        return q.strip()


class FoundShape(Shape):
    """A message that contains the words, and its conversation."""

    session: SessionShape
    message: MessageShape


@routes.add(
    "GET",
    "/search",
    "sessions.read",
    summary="Search the messages of your conversations, newest first",
    query=SearchQuery,
    answer=list[FoundShape],
)
def find(call: Call) -> list[dict[str, Any]]:
    who = reader(call)
    if not who.everything and not who.kf_account:
        raise Refusal("forbidden", "You serve no conversations.")
    return search.found(call.account, who, call.query.q, call.query.limit)
