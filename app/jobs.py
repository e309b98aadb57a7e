"""The ticks of a node: APScheduler runs them, Redis holds every deadline, so any node may do any of it."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from app.account import Account
from app.conversations import archiving, ratings, waiting
from app.conversations.figures import figures_of
from app.conversations.timers import sweep as sweeps
from app.conversations.transfers import drain_everywhere
from app.delivery.sender import Sender
from app.media.fetch import MediaFetcher
from app.metrics.prometheus import DEAD, OLDEST_WAIT, ONLINE, OPEN, PRESENCE_UP, SWEEP_AGE, WAITING
from app.metrics.series import Series
from app.metrics.tally import TALLY
from app.storage.sql import StorageError
from sessions.model import SessionError, StoreRefused
from sessions.store.scripts import BUSY

ROSTER_S: Final = 1
"""How stale a node's picture of other nodes' agents may be, at most."""

POLL_S: Final = 1
"""How often an outbox and media jobs of nodes that died are looked for."""

ARCHIVE_S: Final = 2
CLOCK_LOOK_S: Final = 1.0
CLOCK_STEP_S: Final = 2.0
"""A difference between wall clock and monotonic clock that no drift makes in CLOCK_LOOK_S."""

TALLY_S: Final = 10
DEAD_SHOWN: Final = 1_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Work:
    """One official account with what works for it in the background of this node."""

    account: Account
    sender: Sender
    media: MediaFetcher
    series: Series


class Jobs:
    """All ticks of this node. ``works`` is False on a node that only answers requests."""

    def __init__(self, served: Sequence[Work], sweep_s: int, *, works: bool) -> None:
        self._served = served
        self._sweep_s = sweep_s
        self._works = works
        self._watch: tuple[int, Callable[[], None]] | None = None
        self._swept_at = time.monotonic()
        self._stopping = threading.Event()
        # A tick that is late still runs, once; it is never run twice at the same time.
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(8)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone="UTC",
        )

    def start(self) -> None:
        self._every(ROSTER_S, "roster", lambda work: work.account.attendance.refresh())
        self._every(TALLY_S, "series", _add_to_series)
        if self._works:
            self._every(POLL_S, "outbox", _poll)
            self._every(self._sweep_s, "sweep", self._sweep)
            self._every(ARCHIVE_S, "archive", lambda work: archiving.archive_closed(work.account))
            self._every(ARCHIVE_S, "ratings", lambda work: ratings.keep(work.account))
            if self._watch:
                seconds, look = self._watch
                self._scheduler.add_job(look, "interval", seconds=seconds, id="alerts")
        SWEEP_AGE.set_function(lambda: time.monotonic() - self._swept_at)
        for served in self._served:
            PRESENCE_UP.labels(served.account.appid).set_function(
                served.account.attendance.connected
            )
        self._scheduler.start()
        threading.Thread(target=self._watch_clock, name="clock-watch", daemon=True).start()

    def watch(self, seconds: int, look: Callable[[], None]) -> None:
        """Before ``start``: what looks for trouble every so many seconds."""
        self._watch = (seconds, look)

    def stop(self) -> None:
        """No further tick begins; running ones are left to end."""
        self._stopping.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def sweep_age_s(self) -> float:
        return time.monotonic() - self._swept_at

    def _watch_clock(self) -> None:
        """The scheduler goes by the clock on the wall: after a step back it would wait that long."""
        ahead = time.time() - time.monotonic()
        while not self._stopping.wait(CLOCK_LOOK_S):
            before, ahead = ahead, time.time() - time.monotonic()
            if abs(ahead - before) > CLOCK_STEP_S:
                log.warning("clock_was_set", by_s=round(ahead - before, 1))
                self._all_now()

    def _all_now(self) -> None:
        for job in self._scheduler.get_jobs():
            job.modify(next_run_time=datetime.datetime.now(datetime.UTC))

    def _every(self, seconds: int, name: str, job: Callable[[Work], object]) -> None:
        def run() -> None:
            for work in self._served:
                _guarded(name, work, job)

        self._scheduler.add_job(run, "interval", seconds=seconds, id=name)

    def _sweep(self, work: Work) -> None:
        account = work.account
        sweeps.run_all_timers(account)
        now_ms = account.store.now_ms()
        sweeps.look_after_agents(account, now_ms)
        waiting.tend(account, now_ms)
        drain_everywhere(account)
        account.stream.trim()
        _measure(account, now_ms)
        self._swept_at = time.monotonic()


def _poll(work: Work) -> None:
    """Wake the sender and fetch media where attempts are due."""
    work.sender.poll()
    work.media.poll(work.account.store.now_ms())


def _add_to_series(work: Work) -> None:
    """Add what this node counted to the minutes that all nodes share."""
    account = work.account
    figures = figures_of(account, account.store.now_ms())
    gauges = {"waiting": figures.waiting, "serving": figures.serving}
    counts = TALLY.take(account.appid)
    try:
        work.series.add(counts, gauges, int(time.time() * 1000))
    except SessionError:
        TALLY.give_back(account.appid, counts)
        raise


def _guarded(name: str, work: Work, job: Callable[[Work], object]) -> None:
    """Run a job; one that fails is logged and runs again at its next tick."""
    account = work.account
    try:
        job(work)
    except StoreRefused as error:
        log.warning("tick_refused", tick=name, appid=account.appid, error=str(error))
        if str(error) == BUSY:
            account.store.stop_endless_script()
    except (SessionError, StorageError) as error:
        log.warning("tick_interrupted", tick=name, appid=account.appid, error=str(error))
    except Exception:
        log.exception("tick_failed", tick=name, appid=account.appid)


def _measure(account: Account, now_ms: int) -> None:
    """Set the account's gauges."""
    appid, figures = account.appid, figures_of(account, now_ms)
    WAITING.labels(appid).set(figures.waiting)
    OLDEST_WAIT.labels(appid).set(figures.oldest_wait_ms / 1000)
    OPEN.labels(appid).set(figures.open)
    ONLINE.labels(appid).set(figures.online)
    DEAD.labels(appid).set(len(account.queries.dead_letters(DEAD_SHOWN)))
