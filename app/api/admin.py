"""All routes of admins and supervisors, by module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.api import (
    admin_audit,
    admin_customers,
    admin_dead_letters,
    admin_export,
    admin_groups,
    admin_integrations,
    admin_kf_accounts,
    admin_notices,
    admin_overview,
    admin_people,
    admin_ring,
    admin_routing,
    admin_routing_preview,
    admin_series,
    admin_transfer_rules,
    search,
    supervise,
    watching,
)
from app.api.core import Routes

MODULES: Final[Mapping[str, Routes]] = {
    "admin_audit": admin_audit.routes,
    "admin_dead_letters": admin_dead_letters.routes,
    "admin_customers": admin_customers.routes,
    "admin_export": admin_export.routes,
    "admin_groups": admin_groups.routes,
    "admin_integrations": admin_integrations.routes,
    "admin_kf_accounts": admin_kf_accounts.routes,
    "admin_notices": admin_notices.routes,
    "admin_overview": admin_overview.routes,
    "admin_people": admin_people.routes,
    "admin_ring": admin_ring.routes,
    "admin_routing": admin_routing.routes,
    "admin_routing_preview": admin_routing_preview.routes,
    "admin_transfer_rules": admin_transfer_rules.routes,
    "admin_series": admin_series.routes,
    "supervise": supervise.routes,
    "watching": watching.routes,
    "search": search.routes,
}
