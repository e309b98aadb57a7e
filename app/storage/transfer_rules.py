"""The transfer rules of each official account: shipped defaults, live and previous ones in SQL."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from app.storage import values
from app.storage.audit import Actor, record
from routing.transfer_rules import TransferRules, transfer_rules_from

DEFAULTS_FILE: Final = Path(__file__).resolve().parents[2] / "config" / "transfers.toml"


@dataclass(frozen=True, slots=True)
class StoredRules:
    """The live rules. ``version`` 0 is the shipped one. ``previous`` is the version before."""

    rules: TransferRules
    version: int = 0
    previous: TransferRules | None = None


def read_defaults(path: Path = DEFAULTS_FILE) -> TransferRules:
    """Return the shipped rules. Raises BadTransferRules."""
    return transfer_rules_from(tomllib.loads(path.read_text(encoding="utf-8")))


def get(conn: Connection, appid: str) -> StoredRules:
    """Return the rules of an account, the shipped ones until they are edited."""
    text = values.get(conn, _key(appid))
    if text is None:
        return StoredRules(read_defaults())
    document: dict[str, Any] = json.loads(text)
    previous = document["previous"]
    return StoredRules(
        transfer_rules_from(document["rules"]),
        document["version"],
        transfer_rules_from(previous) if previous is not None else None,
    )


def put(conn: Connection, actor: Actor, appid: str, rules: TransferRules) -> StoredRules:
    """Store a new version and the one before it. Call it within ``acting``."""
    before = get(conn, appid)
    made = StoredRules(rules, before.version + 1, before.rules)
    stored = {
        "rules": rules.as_document(),
        "version": made.version,
        "previous": before.rules.as_document(),
    }
    values.put(conn, _key(appid), json.dumps(stored, ensure_ascii=False))
    detail = {"version": made.version, "before": stored["previous"], "after": stored["rules"]}
    record(conn, actor, "transfer_rules.update", appid, detail)
    return made


def _key(appid: str) -> str:
    return f"transfer_rules.{appid}"
