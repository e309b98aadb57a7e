"""An agent as the hot path sees him: seats, status, ratings, and how busy his group is."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Status(enum.StrEnum):
    """What an agent wants to be; whether he is there is presence."""

    ONLINE = "online"
    AWAY = "away"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Seat:
    """One agent as the scripts see him. ``seats`` is his limit of conversations, ``platform`` as in SQL.

    ``off_shift_ms``: when his shift ends (0 = open end); from the moment it is set he gets no new
    conversations.
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
        """His limit at this moment: it grows linearly from 1 within ``ramp_ms`` of coming online.

        The same formula as in lua/room.lua, which enforces it.
        """
        if not self.ramp_ms:
            return self.seats
        share = min(1.0, max(0.0, (now_ms - self.online_ms) / self.ramp_ms))
        return max(min(1, self.seats), int(self.seats * share))


@dataclass(frozen=True, slots=True)
class Rating:
    """What customers said of an agent: the mean score of so many ratings."""

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
    """As the agent's hash has him."""
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
