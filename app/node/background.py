"""Small courtesies that nobody waits for: a few threads, a bounded queue, failures only logged."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog

THREADS: Final = 4
PENDING_MAX: Final = 64

log = structlog.get_logger()


class Background:
    """Runs what may as well be left out; beyond PENDING_MAX it is left out."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="courtesy")
        self._room = threading.BoundedSemaphore(PENDING_MAX)

    def run(self, name: str, job: Callable[[], object]) -> bool:
        """Starts it soon; False if it was left out."""
        if not self._room.acquire(blocking=False):
            return False
        try:
            self._pool.submit(self._guarded, name, job)
        except RuntimeError:
            self._room.release()
            return False
        return True

    def stop(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _guarded(self, name: str, job: Callable[[], object]) -> None:
        try:
            job()
        except Exception as error:  # a courtesy that fails harms nobody
            log.info("courtesy_failed", job=name, error_type=type(error).__name__)
        finally:
            self._room.release()
