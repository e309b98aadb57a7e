"""Values in SQL that are used from memory: a callback must never wait for the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from app.storage.sql import Connection, Engine, StorageError, reading

REFRESH_S: Final = 3.0

T = TypeVar("T")


class Live(Generic[T]):
    """One value of an official account. A call returns it from memory and never waits.

    A background thread reads the value again, at most once every ``refresh_s`` seconds. While the database
    is slow or away, the value read last is used; ``warn`` logs why a read failed. ``name`` names the thread.
    """

    def __init__(
        self,
        name: str,
        engine: Engine,
        appid: str,
        first: T,
        read: Callable[[Connection], T],
        warn: Callable[..., object],
        refresh_s: float = REFRESH_S,
    ) -> None:
        self._name = name
        self._engine = engine
        self._appid = appid
        self._current = first
        self._read = read
        self._warn = warn
        self._refresh_s = refresh_s
        self._read_once = False
        self._next_read_s = 0.0
        self._queries = threading.Lock()
        self.on_change: Callable[[T, T], object] = lambda before, after: None
        """Called with the values before and after each background read but the first read of all."""

    def __call__(self) -> T:
        if time.monotonic() >= self._next_read_s and self._queries.acquire(blocking=False):
            self._next_read_s = time.monotonic() + self._refresh_s
            threading.Thread(target=self._read_behind, name=self._name, daemon=True).start()
        return self._current

    def reload(self) -> None:
        """Read the value now: at the start, and on the node that changed it.

        Raises StorageError, and ValueError where what is stored cannot be used.
        """
        with reading(self._engine) as conn:
            self._current = self._read(conn)
        self._read_once = True
        self._next_read_s = time.monotonic() + self._refresh_s

    def _read_behind(self) -> None:
        before, compare = self._current, self._read_once
        try:
            self.reload()
            if compare:
                self.on_change(before, self._current)
        except (StorageError, ValueError) as error:
            self._warn(appid=self._appid, error=str(error))
        except Exception as error:  # the next read tries again
            self._warn(appid=self._appid, error_type=type(error).__name__)
        finally:
            self._queries.release()
