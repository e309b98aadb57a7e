"""An agent as the hot path sees them: seats, status, ratings, and how busy their group is."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Status(enum.StrEnum):
    """What an agent wants; whether they are connected is presence."""

    ONLINE = "online"
    AWAY = "away"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Seat:
    """One agent as the scripts see them. ``seats`` is their limit of conversations, ``platform`` as in SQL.

    ``off_shift_ms``: when their shift ends (0 = open end); once it is set they get no new conversations.
    """

    kf_account: str
    nickname: str
    seats: int
    groups: tuple[str, ...]
    enabled: bool
    status: Status
    platform: str = "local"
    ramp_ms: int = 0
    online_ms: int = 0
    off_shift_ms: int = 0

    def seats_at(self, now_ms: int) -> int:
        """Return the agent's limit now: it grows linearly from 1 within ``ramp_ms`` of coming online.

        store/lua/room.lua enforces the same formula.
        """
        if not self.ramp_ms:
            return self.seats
        share = min(1.0, max(0.0, (now_ms - self.online_ms) / self.ramp_ms))
        return max(min(1, self.seats), int(self.seats * share))


@dataclass(frozen=True, slots=True)
class Rating:
    """Customers' ratings of an agent: their mean and number."""

    mean: float
    count: int


@dataclass(frozen=True, slots=True)
class Crowd:
    """Live numbers for a decision: waiting and seated in the group, seats taken by agent, Redis time."""

    waiting: int
    seated: int
    loads: Mapping[str, int]
    now_ms: int


def seat_of(kf_account: str, raw: Mapping[str, str]) -> Seat:
    """Return the seat of the agent's hash."""
    return Seat(
        kf_account=kf_account,
        nickname=raw.get("nickname", ""),
        seats=int(raw["seats"]),
        groups=tuple(g for g in raw.get("groups", "").split(",") if g),
        enabled=raw.get("enabled") == "1",
        status=Status(raw.get("status", "offline")),
        platform=raw.get("platform", "local"),
        ramp_ms=int(raw.get("ramp_ms", 0)),
        online_ms=int(raw.get("online_ms", 0)),
        off_shift_ms=int(raw.get("off_shift_ms", 0)),
    )
