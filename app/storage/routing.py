"""The routing document of an official account: the live version and earlier ones.

Version 0 is the shipped one. A version never changes; restoring an old one creates a new version.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Select, select

from app.storage import checks
from app.storage.audit import Actor, record
from app.storage.errors import Missing
from app.storage.schema import routing_versions
from routing.document import Routing, routing_from

SHIPPED_FILE: Final = Path(__file__).resolve().parents[2] / "config" / "routing.toml"
KEPT: Final = 50
"""Versions stored of each account; older ones are deleted."""

DOCUMENT_MAX_BYTES: Final = 256 * 1024


class Stale(ValueError):
    """The document was changed concurrently. ``version`` is the live one."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the live version is {version}")
        self.version = version


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the document. The shipped one has ``by`` "" and ``updated_ms`` 0."""

    version: int
    document: Mapping[str, Any]
    updated_ms: int = 0
    by: str = ""

    def routing(self, timezone: str) -> Routing:
        """Return the document as routing uses it. Raises BadRule."""
        return routing_from(self.document, timezone)


def shipped(path: Path = SHIPPED_FILE) -> Version:
    """Return the shipped document, without its groups."""
    document = tomllib.loads(path.read_text("utf-8"))
    document.pop("groups")
    return Version(0, document)


def live(conn: Connection, appid: str) -> Version:
    """Return the live version."""
    newest = _all(appid).order_by(routing_versions.c.version.desc()).limit(1)
    row = conn.execute(newest).mappings().first()
    return _version(row) if row else shipped()


def versions(conn: Connection, appid: str) -> list[Version]:
    """Return the stored versions, newest first, and the shipped one last."""
    newest_first = _all(appid).order_by(routing_versions.c.version.desc())
    return [*map(_version, conn.execute(newest_first).mappings()), shipped()]


def get(conn: Connection, appid: str, version: int) -> Version:
    """Return a version. Raises Missing."""
    if version == 0:
        return shipped()
    one = _all(appid).where(routing_versions.c.version == version)
    row = conn.execute(one).mappings().first()
    if row is None:
        raise Missing(f"no version {version} of the routing")
    return _version(row)


def put(
    conn: Connection,
    actor: Actor,
    appid: str,
    routing: Routing,
    expected: int | None = None,
    act: str = "routing.update",
) -> Version:
    """Store a checked document as the live version. Raises Stale if ``expected`` is not the live one."""
    before = live(conn, appid)
    if expected is not None and expected != before.version:
        raise Stale(before.version)
    document = checks.mapping("routing", routing.as_document(), DOCUMENT_MAX_BYTES)
    made = Version(before.version + 1, document, actor.at_ms, actor.who[:128])
    row = {"appid": appid, "version": made.version, "document": dict(document)}
    conn.execute(routing_versions.insert(), row | {"updated_ms": made.updated_ms, "by": made.by})
    old = routing_versions.c.version <= made.version - KEPT
    conn.execute(routing_versions.delete().where(routing_versions.c.appid == appid, old))
    record(conn, actor, act, appid, {"version": made.version, "before": before.version})
    return made


def _all(appid: str) -> Select[Any]:
    return select(routing_versions).where(routing_versions.c.appid == appid)


def _version(row: Any) -> Version:
    return Version(row["version"], row["document"], row["updated_ms"], row["by"])
