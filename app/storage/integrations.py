"""Other systems that call the API. Each has a name, scopes and a token, stored as a hash."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, RowMapping, select

from app.storage import checks
from app.storage.audit import Actor, record
from app.storage.errors import Invalid, Missing
from app.storage.schema import integration_tokens

PREFIX: Final = "kfi_"
TOKEN_BYTES: Final = 32
TOKEN_MAX_CHARS: Final = 100
SCOPES: Final = frozenset({"customers.facts"})


@dataclass(frozen=True, slots=True)
class Integration:
    """The access of one system. ``revoked_ms`` is None while it is valid."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created_ms: int
    revoked_ms: int | None


def issue(
    conn: Connection, actor: Actor, name: str, scopes: Iterable[str]
) -> tuple[Integration, str]:
    """Create an access. Returns it with the token, which cannot be read again."""
    wanted = sorted(set(scopes))
    if not wanted or not SCOPES.issuperset(wanted):
        raise Invalid("scopes", f"must be some of {', '.join(sorted(SCOPES))}")
    token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    row = {
        "name": checks.line("name", name),
        "token_hash": _hash(token),
        "scopes": wanted,
        "created_ms": actor.at_ms,
    }
    statement = integration_tokens.insert().returning(integration_tokens)
    made = _integration(conn.execute(statement, row).mappings().one())
    record(conn, actor, "integration.issue", made.name, {"id": made.id, "scopes": wanted})
    return made, token


def find(conn: Connection, token: str) -> Integration | None:
    """Return the access of a token, None for an unknown or revoked one.

    The look-up uses the token's SHA-256, so its duration reveals nothing about the token.
    """
    if not token.startswith(PREFIX) or len(token) > TOKEN_MAX_CHARS or not token.isascii():
        return None
    table = integration_tokens
    query = select(table).where(table.c.token_hash == _hash(token), table.c.revoked_ms.is_(None))
    row = conn.execute(query).mappings().first()
    return _integration(row) if row else None


def everyone(conn: Connection) -> list[Integration]:
    """Return all accesses by name, revoked ones included."""
    query = select(integration_tokens).order_by(integration_tokens.c.name, integration_tokens.c.id)
    return [_integration(row) for row in conn.execute(query).mappings()]


def revoke(conn: Connection, actor: Actor, integration_id: int) -> Integration:
    """Revoke an access; a repeat changes nothing. Raises ``Missing``."""
    table = integration_tokens
    this = table.c.id == integration_id
    ended = table.update().where(this, table.c.revoked_ms.is_(None)).values(revoked_ms=actor.at_ms)
    changed = conn.execute(ended).rowcount
    row = conn.execute(select(table).where(this)).mappings().first()
    if row is None:
        raise Missing(f"no integration {integration_id}")
    if changed:
        record(conn, actor, "integration.revoke", row["name"], {"id": integration_id})
    return _integration(row)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _integration(row: RowMapping) -> Integration:
    return Integration(
        row["id"], row["name"], tuple(row["scopes"]), row["created_ms"], row["revoked_ms"]
    )
