from __future__ import annotations

from tests.conversations.conftest import engine, office

__all__ = ["engine", "office"]
