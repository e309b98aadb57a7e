"""When the team is told that something is wrong, and when that it is over. Pure.

Each alarm has a condition that raises it and a weaker one that ends it, and both must hold for a while:
what flickers around a threshold tells nobody twice.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

MINUTE_MS: Final = 60_000
SETTLE_MS: Final = 60_000
"""All must be well for so long before an alarm is over."""

STORES_MS: Final = 30_000
"""So long the database or ZooKeeper may be away: shorter than this is a restart."""

NOBODY_MS: Final = 30_000
"""So long nobody may be online while customers wait: shorter than this is a change of shifts."""


class Alarm(enum.StrEnum):
    """What the team is told of."""

    OLDEST_WAIT = "oldest_wait"
    NOBODY_ONLINE = "nobody_online"
    TOKEN = "token"  # noqa: S105 -- a kind of alarm
    QUOTA = "quota"
    DEAD_LETTERS = "dead_letters"
    DATABASE = "database"
    ZOOKEEPER = "zookeeper"


OF_STORES: Final = (Alarm.DATABASE, Alarm.ZOOKEEPER)
"""All official accounts share them: they are judged once, not for each."""

OF_ACCOUNT: Final = tuple(alarm for alarm in Alarm if alarm not in OF_STORES)


@dataclass(frozen=True, slots=True)
class Vitals:
    """One official account at a moment. Waiting customers of closed groups do not count.

    ``token_error`` and ``quota_error`` are codes of the platform, "" while all is well; ``dead`` messages
    that failed within the last ten minutes; the stores are up or away as the node that tells sees them.
    """

    oldest_wait_ms: int
    waiting: int
    online: int
    token_error: str
    quota_error: str
    dead: int
    database_up: bool = True
    zookeeper_up: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """Where an alarm begins."""

    wait_ms: int
    dead: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one alarm: since when it is bad, well, and known to the team; 0 = it is not."""

    bad_since_ms: int = 0
    good_since_ms: int = 0
    raised_ms: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """One line for the team: an alarm, or (``lasted_ms``) its end."""

    alarm: Alarm
    vitals: Vitals
    lasted_ms: int | None = None


def judge(
    vitals: Vitals,
    limits: Limits,
    before: Mapping[Alarm, Standing],
    now_ms: int,
    alarms: Iterable[Alarm] = Alarm,
) -> tuple[dict[Alarm, Standing], list[Told]]:
    """What stands now, and what is to be told."""
    after: dict[Alarm, Standing] = {}
    told: list[Told] = []
    for alarm in alarms:
        standing = before.get(alarm, Standing())
        bad, good = _bad(alarm, vitals, limits), _good(alarm, vitals, limits)
        bad_since = (standing.bad_since_ms or now_ms) if bad else 0
        good_since = (standing.good_since_ms or now_ms) if good else 0
        raised = standing.raised_ms
        if not raised and bad and now_ms - bad_since >= _hold_ms(alarm):
            raised = now_ms
            told.append(Told(alarm, vitals))
        elif raised and good and now_ms - good_since >= SETTLE_MS:
            told.append(Told(alarm, vitals, now_ms - raised))
            raised = 0
        after[alarm] = Standing(bad_since, good_since, raised)
    return after, told


def _bad(alarm: Alarm, vitals: Vitals, limits: Limits) -> bool:
    return {
        Alarm.OLDEST_WAIT: vitals.oldest_wait_ms >= limits.wait_ms,
        Alarm.NOBODY_ONLINE: vitals.waiting > 0 and vitals.online == 0,
        Alarm.TOKEN: bool(vitals.token_error),
        Alarm.QUOTA: bool(vitals.quota_error),
        Alarm.DEAD_LETTERS: vitals.dead >= limits.dead,
        Alarm.DATABASE: not vitals.database_up,
        Alarm.ZOOKEEPER: not vitals.zookeeper_up,
    }[alarm]


def _good(alarm: Alarm, vitals: Vitals, limits: Limits) -> bool:
    """Clearly well: for what is measured, half the threshold."""
    if alarm is Alarm.OLDEST_WAIT:
        return vitals.oldest_wait_ms <= limits.wait_ms // 2
    if alarm is Alarm.DEAD_LETTERS:
        return vitals.dead <= limits.dead // 2
    return not _bad(alarm, vitals, limits)


def _hold_ms(alarm: Alarm) -> int:
    if alarm in OF_STORES:
        return STORES_MS
    return NOBODY_MS if alarm is Alarm.NOBODY_ONLINE else 0
