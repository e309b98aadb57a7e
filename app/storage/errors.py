"""Refusals of repositories, besides the kinds of ``StorageError`` in ``app.storage.sql``."""

from __future__ import annotations


class Missing(LookupError):
    """Nothing is stored under the name, which the text contains."""


class Taken(ValueError):
    """A name that is in use already."""


class Invalid(ValueError):
    """A value that cannot be stored. ``field`` names it, the text gives the reason."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
