"""The routes of admins and supervisors, by module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.api.admin import audit as admin_audit
from app.api.admin import customers as admin_customers
from app.api.admin import dead_letters as admin_dead_letters
from app.api.admin import export as admin_export
from app.api.admin import groups as admin_groups
from app.api.admin import integrations as admin_integrations
from app.api.admin import kf_accounts as admin_kf_accounts
from app.api.admin import notices as admin_notices
from app.api.admin import overview as admin_overview
from app.api.admin import people as admin_people
from app.api.admin import ring as admin_ring
from app.api.admin import routing as admin_routing
from app.api.admin import routing_preview as admin_routing_preview
from app.api.admin import series as admin_series
from app.api.admin import supervise
from app.api.admin import transfer_rules as admin_transfer_rules
from app.api.agent import search, watching
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
