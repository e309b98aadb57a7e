"""How many replies a customer may still get, and until when. Pure reading of the stored buckets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sessions.model import Bucket, Trigger


@dataclass(frozen=True, slots=True)
class Budget:
    """``remaining`` replies over all live buckets; ``window_ends_ms`` of the longest one, 0 if none."""

    remaining: int
    window_ends_ms: int


def buckets_of(customer: Mapping[str, str]) -> tuple[Bucket, ...]:
    """The buckets in a customer's Redis hash (fields ``<trigger>.left .ends .pend``)."""
    return tuple(
        Bucket(
            trigger=trigger,
            left=int(customer.get(left, 0)),
            ends_ms=int(customer[ends]),
            pending=int(customer.get(pending, 0)),
        )
        for trigger, left, ends, pending in _FIELDS
        if ends in customer
    )


_FIELDS = tuple((t, f"{t}.left", f"{t}.ends", f"{t}.pend") for t in Trigger)


def budget(buckets: Sequence[Bucket], now_ms: int) -> Budget:
    live = [bucket for bucket in buckets if bucket.ends_ms > now_ms]
    return Budget(
        remaining=sum(max(0, bucket.left) for bucket in live),
        window_ends_ms=max((bucket.ends_ms for bucket in live), default=0),
    )
