from __future__ import annotations

from tests.api.conftest import admin, listen, node, settings_of_node

__all__ = ["admin", "listen", "node", "settings_of_node"]
