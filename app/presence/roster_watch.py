"""Keep a node's roster up to date within milliseconds of a change on any node."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import structlog

from sessions.model import SessionError
from sessions.store.roster_news import RosterNews

BLOCK_MS: Final = 1_000
PACE_S: Final = 0.02
"""Seconds within which changes are read in one batch."""

RETRY_S: Final = 0.5

log = structlog.get_logger()


class RosterWatch:
    """Call ``refresh`` when an agent of the official account changed; the tick finds what this misses."""

    def __init__(self, appid: str, news: RosterNews, refresh: Callable[[], None]) -> None:
        self._appid = appid
        self._news = news
        self._refresh = refresh
        self._seen = "0-0"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"roster-{appid}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def _follow(self) -> None:
        pause_s = PACE_S
        while not self._stopping.wait(pause_s):
            try:
                newest = self._news.after(self._seen, BLOCK_MS)
                if newest != self._seen:
                    self._refresh()
                    self._seen = newest
                pause_s = PACE_S
            except SessionError as error:
                log.warning("roster_watch_interrupted", appid=self._appid, error=str(error))
                pause_s = RETRY_S
            except Exception:
                log.exception("roster_watch_failed", appid=self._appid)
                pause_s = RETRY_S
