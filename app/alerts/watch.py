"""Looks at every official account and tells the team: one node at a time, what was told stands in Redis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Protocol

import structlog

from app.account import Account
from app.alerts.board import AlarmBoard
from app.alerts.conditions import OF_ACCOUNT, OF_STORES, Alarm, Limits, Standing, Vitals, judge
from app.alerts.words import message
from app.conversations.figures import figures_of
from app.conversations.placing import CLOSED, held_back
from sessions.model import SessionError

DEAD_WITHIN_MS: Final = 600_000
DEAD_READ: Final = 1_000
LEASE_PERIODS: Final = 3
"""Another node takes over after so many periods without a word of the one that tells."""

STORES: Final = "stores"
NOBODY: Final = Vitals(0, 0, 0, "", "", 0)

log = structlog.get_logger()


class Robot(Protocol):
    def post(self, message: Mapping[str, Any]) -> bool: ...


@dataclass(frozen=True, slots=True)
class Watched:
    """One official account and how to ask for its token's trouble ("" = none)."""

    account: Account
    token_error: Callable[[], str]


class Watch:
    """``look`` is called every ``period_ms`` by every node; only the leader does anything."""

    def __init__(
        self,
        board: AlarmBoard,
        robot: Robot,
        watched: Sequence[Watched],
        limits: Limits,
        node: str,
        period_ms: int,
        kind: str,
        database_up: Callable[[], bool],
    ) -> None:
        self._board = board
        self._robot = robot
        self._watched = watched
        self._limits = limits
        self._node = node
        self._lease_ms = period_ms * LEASE_PERIODS
        self._kind = kind
        self._database_up = database_up

    def look(self) -> None:
        """One round. A message that is not taken is tried again in the next; raises nothing of Redis."""
        try:
            if not self._board.lead(self._node, self._lease_ms):
                return
            for one in self._watched:
                self._judge_account(one)
            self._judge_stores()
        except SessionError as error:
            log.warning("alerts_interrupted", error=str(error))

    def _judge_account(self, one: Watched) -> None:
        appid, now_ms = one.account.appid, self._board.now_ms()
        self._judge(appid, appid, self.vitals(one, now_ms), OF_ACCOUNT, now_ms)

    def _judge_stores(self) -> None:
        """Judge what all official accounts share, as this node sees it."""
        connected = all(one.account.attendance.connected() for one in self._watched)
        vitals = replace(NOBODY, database_up=self._database_up(), zookeeper_up=connected)
        self._judge(STORES, f"节点 {self._node}", vitals, OF_STORES, self._board.now_ms())

    def _judge(
        self, key: str, name: str, vitals: Vitals, alarms: Sequence[Alarm], now_ms: int
    ) -> None:
        """Tell the team what is new of ``alarms``; what is known of them is stored under ``key``."""
        before = {Alarm(n): Standing(**v) for n, v in self._board.standing(key).items()}
        after, told = judge(vitals, self._limits, before, now_ms, alarms)
        if told and not self._robot.post(message(self._kind, name, told)):
            after |= {t.alarm: before.get(t.alarm, Standing()) for t in told}
        if after != before:
            self._board.keep(key, {name.value: asdict(s) for name, s in after.items()})

    def vitals(self, one: Watched, now_ms: int) -> Vitals:
        """The account's numbers as they are now."""
        account = one.account
        figures = figures_of(account, now_ms).of(lambda g: not _closed(account, g, now_ms))
        dead = account.queries.dead_letters(DEAD_READ)
        return Vitals(
            oldest_wait_ms=figures.oldest_wait_ms,
            waiting=figures.waiting,
            online=figures.online,
            token_error=one.token_error(),
            quota_error=self._board.quota_error(account.appid),
            dead=sum(at_ms > now_ms - DEAD_WITHIN_MS for _, at_ms in dead),
        )


def quota_listener(board: AlarmBoard, appid: str) -> Callable[[int], None]:
    """What an API client calls when a quota is used up; it never raises."""

    def spent(errcode: int) -> None:
        try:
            board.quota_spent(appid, errcode)
        except SessionError as error:
            log.warning("quota_not_noted", appid=appid, error=str(error))

    return spent


def _closed(account: Account, group: str, now_ms: int) -> bool:
    return held_back(account, group, now_ms) == CLOSED
