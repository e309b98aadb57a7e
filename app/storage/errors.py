"""What repositories refuse, beside the ``StorageError`` kinds of ``app.storage.sql``."""

from __future__ import annotations


class Missing(LookupError):
    """Nothing is stored under this name. The text names what was looked for."""


class Taken(ValueError):
    """The name is in use already."""


class Invalid(ValueError):
    """A value that cannot be kept; ``field`` names it, the text says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
