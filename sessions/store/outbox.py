"""The outbox: what is to be sent to WeChat, one at a time and in order for each customer."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sessions.messages import request_of, view
from sessions.model import Delivery
from sessions.store.keys import Keys
from sessions.store.scripts import Scripts, guarded

CLAIM_LEASE_MS = 30_000
"""Longer than the longest send (token, connect 1 s, read 3 s, one retry), ms; then it is ``unknown``."""


NODE_STOPPED: Final = (
    "发送途中服务中断，可能已送达",
    "The node stopped while sending; it may have arrived",
)


class Verdict(enum.StrEnum):
    """The effect of a send on the customer's reply budget."""

    SPENT = "spent"
    RETURNED = "returned"
    NONE_LEFT = "none_left"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Claim:
    """One message taken to be sent now; ``attempts`` were made before. ``message`` as in the contract;
    ``request_id`` is of the call that accepted it.
    """

    token: str
    openid: str
    attempts: int
    message: Mapping[str, Any] | None
    request_id: str = ""


class Outbox:
    """Claims and settles the sends of one official account."""

    def __init__(self, scripts: Scripts, appid: str) -> None:
        self.keys = Keys(appid)
        self._scripts = scripts

    def claim(self, token: str) -> Claim | None:
        """Claim the next message that is due, or None. A repeated token gets the same message."""
        overlay = _overlay(Delivery.UNKNOWN, 0, *NODE_STOPPED)
        got = self._scripts.run("claim", self.keys.prefix, token, CLAIM_LEASE_MS, overlay)
        if not got:
            return None
        openid, item, raw, changed = got[0], got[1], got[2], got[3]
        attempts = int(item.split(" ")[2])
        if not raw:
            return Claim(token, openid, attempts, None)
        return Claim(token, openid, attempts, view(raw, changed or None), request_of(raw))

    def settle(
        self,
        claim: Claim,
        status: Delivery,
        verdict: Verdict,
        code: int,
        why: str,
        why_en: str = "",
    ) -> bool:
        """Store the final outcome: sent, failed or unknown. Returns False if the claim had expired."""
        dead = "1" if status in (Delivery.FAILED, Delivery.UNKNOWN) else "0"
        overlay = _overlay(status, code, why, why_en)
        return self._settle(claim, "final", overlay, verdict.value, dead, 0)

    def hold_back(self, claim: Claim, code: int, why: str) -> bool:
        """Settle an automatic message that is not sent and is no dead letter."""
        overlay = _overlay(Delivery.FAILED, code, why)
        return self._settle(claim, "final", overlay, Verdict.RETURNED.value, "0", 0)

    def again(self, claim: Claim, delay_ms: int) -> bool:
        """Put the message back to the head of its customer's outbox; retry it after ``delay_ms``."""
        return self._settle(claim, "again", "", "", "0", delay_ms)

    def next_due_ms(self) -> int | None:
        """Return when the next attempt is due, or None with an empty outbox."""
        key = self.keys.of("outbox_due")
        first = guarded(lambda: self._scripts.client.zrange(key, 0, 0, withscores=True))
        return int(first[0][1]) if first else None

    def _settle(
        self, claim: Claim, outcome: str, overlay: str, verdict: str, dead: str, delay_ms: int
    ) -> bool:
        args = (claim.token, claim.openid, outcome, overlay, verdict, dead, delay_ms)
        return bool(self._scripts.run("settle", self.keys.prefix, *args) == "ok")


def pending_overlay() -> str:
    """Return the overlay of a message that is to be sent again."""
    return json.dumps({"status": Delivery.PENDING.value, "error": None})


def _overlay(status: Delivery, code: int, why: str, why_en: str = "") -> str:
    error = {"errcode": code, "reason": why, "reason_en": why_en} if why else None
    return json.dumps({"status": status.value, "error": error}, ensure_ascii=False)
