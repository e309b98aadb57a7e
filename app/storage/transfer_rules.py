"""The transfer rules of each official account: shipped defaults, live ones in SQL with the version before."""

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
class Kept:
    """What is in force; ``version`` 0 = the shipped defaults. ``previous`` is the version before."""

    rules: TransferRules
    version: int = 0
    previous: TransferRules | None = None


def read_defaults(path: Path = DEFAULTS_FILE) -> TransferRules:
    """Raises BadTransferRules."""
    return transfer_rules_from(tomllib.loads(path.read_text(encoding="utf-8")))


def get(conn: Connection, appid: str) -> Kept:
    """The rules of an account, the defaults while nobody has changed them."""
    text = values.get(conn, _key(appid))
    if text is None:
        return Kept(read_defaults())
    kept: dict[str, Any] = json.loads(text)
    previous = kept["previous"]
    return Kept(
        transfer_rules_from(kept["rules"]),
        kept["version"],
        transfer_rules_from(previous) if previous is not None else None,
    )


def put(conn: Connection, actor: Actor, appid: str, rules: TransferRules) -> Kept:
    """Another version; the one before is kept. Within ``acting``."""
    before = get(conn, appid)
    made = Kept(rules, before.version + 1, before.rules)
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
