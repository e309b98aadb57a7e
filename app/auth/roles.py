"""Permissions of roles: one explicit table. Everything else is denied.

The table lists the actions of a role, and ``reach`` the official accounts. Whether a conversation or a file
is the caller's is checked where it is loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from app.auth.errors import Forbidden

AGENT: Final = "agent"
SUPERVISOR: Final = "supervisor"
ADMIN: Final = "admin"
INTEGRATION: Final = "integration"
ROLES: Final = (AGENT, SUPERVISOR, ADMIN)

UNBOUND: Final = frozenset({ADMIN, INTEGRATION})
"""Roles that are not bound to official accounts: they reach all of them."""

_STAFF: Final = frozenset({AGENT, SUPERVISOR, ADMIN})
_LEADS: Final = frozenset({SUPERVISOR, ADMIN})
_ADMINS: Final = frozenset({ADMIN})

ACTIONS: Final[Mapping[str, frozenset[str]]] = {
    "me.read": _STAFF,
    "me.password": _STAFF,
    "me.logout": _STAFF,
    "me.presence": _STAFF,
    "me.heartbeat": _STAFF,
    "events.read": _STAFF,
    "sessions.read": _STAFF,
    "sessions.read_any": _LEADS,
    "sessions.routing": _STAFF,
    "sessions.reply": _STAFF,
    "sessions.resend": _STAFF,
    "sessions.take": _STAFF,
    "sessions.transfer": _STAFF,
    "sessions.accept": _STAFF,
    "sessions.decline": _STAFF,
    "sessions.close": _STAFF,
    "sessions.close_any": _LEADS,
    "sessions.mark_read": _STAFF,
    "sessions.typing": _STAFF,
    "sessions.assign": _LEADS,
    "sessions.takeover": _LEADS,
    "sessions.whisper": _LEADS,
    "media.upload": _STAFF,
    "media.read": _STAFF,
    "agents.read": _STAFF,
    "groups.read": _STAFF,
    "customers.read": _STAFF,
    "customers.update": _STAFF,
    "customers.sessions": _STAFF,
    "customers.notes": _STAFF,
    "customers.facts": frozenset({INTEGRATION, ADMIN}),
    "canned.read": _STAFF,
    "canned.own": _STAFF,
    "canned.shared": _LEADS,
    "admin.kf_accounts": _ADMINS,
    "admin.people": _ADMINS,
    "admin.groups": _ADMINS,
    "admin.routing": _ADMINS,
    "admin.notices": _ADMINS,
    "admin.integrations": _ADMINS,
    "admin.audit": _ADMINS,
    "admin.ring": _ADMINS,
    "admin.overview": _LEADS,
    "admin.dead_letters": _LEADS,
    "admin.export": _LEADS,
    "admin.erase": _ADMINS,
}


def allowed(role: str, action: str) -> bool:
    """Return whether the role may do the action, False for an unknown role or action."""
    return role in ACTIONS.get(action, frozenset())


def reach(role: str, own: str, leads: Collection[str], served: Collection[str]) -> frozenset[str]:
    """Return the appids of the official accounts that a person with the role may ask about.

    ``own`` is the appid of the person's kf account or "", ``leads`` are the accounts that a supervisor
    was given by name, ``served`` those of this installation. Admins and integrations reach all of them.
    A person without an account reaches the only one there is, and none if there are several.
    """
    if role in UNBOUND:
        return frozenset(served)
    if role not in (AGENT, SUPERVISOR):
        return frozenset()
    tied = {own} if own else set[str]()
    if role == SUPERVISOR:
        tied |= set(leads)
    if not tied and len(served) == 1:
        return frozenset(served)
    return frozenset(tied & set(served))


def belongs(role: str, appid: str, served: Collection[str]) -> bool:
    """Return whether a person with the role and official account may sign in here.

    An agent of an account that is not served may not, such as the demo's once real credentials are set.
    """
    return role != AGENT or not appid or appid in served


def require(role: str, action: str) -> None:
    """Refuse an action that the role does not allow. Raises ``Forbidden``."""
    if not allowed(role, action):
        raise Forbidden(f"the role {role} may not do {action}")
