"""What a change of agents would do to the ring: whose customers change hands, counted on a sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from routing.ring import Ring

SAMPLE: Final = 5_000
"""Made-up customers; the share found is within about 1.5 points of the true one."""


@dataclass(frozen=True, slots=True)
class Change:
    """Weights are seats: ``add`` and ``weights`` by kf_account, ``remove`` names."""

    add: Mapping[str, int]
    remove: Sequence[str]
    weights: Mapping[str, int]


def shares(ring: Ring, sample: int = SAMPLE) -> dict[str, float]:
    """Return each agent's share of the customers whose home they are, 0 to 1."""
    homes = Counter(ring.home(openid) for openid in _sample(sample))
    return {name: homes[name] / sample for name, _ in ring.weights}


def preview(ring: Ring, change: Change, sample: int = SAMPLE) -> dict[str, Any]:
    """The share of customers with another home afterwards, and everybody's share before and after."""
    after = changed(ring, change)
    moved: Counter[tuple[str | None, str | None]] = Counter()
    for openid in _sample(sample):
        old, new = ring.home(openid), after.home(openid)
        if old != new:
            moved[old, new] += 1
    before_shares, after_shares = shares(ring, sample), shares(after, sample)
    return {
        "moved_share": sum(moved.values()) / sample,
        "sample": sample,
        "agents": [
            {
                "kf_account": name,
                "before": before_shares.get(name, 0.0),
                "after": after_shares.get(name, 0.0),
            }
            for name in sorted({*before_shares, *after_shares})
        ],
        "moves": [
            {"from_kf_account": old, "to_kf_account": new, "share": count / sample}
            for (old, new), count in moved.most_common()
        ],
    }


def changed(ring: Ring, change: Change) -> Ring:
    """The ring after the change; a weight for somebody who is not on it is ignored."""
    weights = dict(ring.weights)
    for name in change.remove:
        weights.pop(name, None)
    for name, weight in change.weights.items():
        if name in weights:
            weights[name] = weight
    weights |= change.add
    return ring.with_agents(weights.items())


def _sample(count: int) -> list[str]:
    return [f"sample-customer-{number}" for number in range(count)]
