"""How many replies a customer may still get, and until when. Pure reading of what ``budget.lua`` stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sessions.model import Bucket, BudgetRule, Trigger


@dataclass(frozen=True, slots=True)
class Budget:
    """``remaining`` replies over all live buckets; ``window_ends_ms`` of the longest one, 0 if none."""

    remaining: int
    window_ends_ms: int


def buckets_of(
    customer: Mapping[str, str], now_ms: int, rule: BudgetRule = BudgetRule.MAX
) -> tuple[Bucket, ...]:
    """Return the buckets in a customer's Redis hash (fields ``<trigger>.left .ends .pend``).

    Under "max" they are merged as the scripts merge them at the customer's next act.
    """
    stored = tuple(
        Bucket(
            trigger=trigger,
            left=int(customer.get(left, 0)),
            ends_ms=int(customer[ends]),
            pending=int(customer.get(pending, 0)),
        )
        for trigger, left, ends, pending in _FIELDS
        if ends in customer
    )
    if rule is BudgetRule.SUM or not any(one.trigger is not Trigger.MESSAGE for one in stored):
        return stored
    return (_merged(stored, now_ms),)


_FIELDS = tuple((t, f"{t}.left", f"{t}.ends", f"{t}.pend") for t in Trigger)


def _merged(stored: Sequence[Bucket], now_ms: int) -> Bucket:
    live = [bucket for bucket in stored if bucket.ends_ms > now_ms]
    return Bucket(
        trigger=Trigger.MESSAGE,
        left=max((bucket.left for bucket in live), default=0),
        ends_ms=max((bucket.ends_ms for bucket in live or stored), default=0),
        pending=sum(bucket.pending for bucket in stored),
    )


def budget(buckets: Sequence[Bucket], now_ms: int) -> Budget:
    """Return what may still be sent at ``now_ms``."""
    live = [bucket for bucket in buckets if bucket.ends_ms > now_ms]
    return Budget(
        remaining=sum(max(0, bucket.left) for bucket in live),
        window_ends_ms=max((bucket.ends_ms for bucket in live), default=0),
    )
