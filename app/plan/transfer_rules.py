"""The live transfer rules of an official account."""

from __future__ import annotations

import structlog

from app.plan.live import Live
from app.storage import transfer_rules
from app.storage.sql import Engine
from routing.transfer_rules import TransferRules

log = structlog.get_logger()


def live_transfer_rules(engine: Engine, appid: str) -> Live[TransferRules]:
    """Return the rules in SQL, served from memory; the shipped ones until the first read."""
    return Live(
        "transfer_rules",
        engine,
        appid,
        transfer_rules.read_defaults(),
        lambda conn: transfer_rules.get(conn, appid).rules,
        lambda **why: log.warning("transfer_rules_not_read", **why),
    )
