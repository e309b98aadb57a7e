"""Keeps the state in an SQLite file, written a moment after each change."""

from __future__ import annotations

import atexit
import dataclasses
import json
import sqlite3
import threading
from typing import Any

from simulator.budget import Bucket
from simulator.state import (
    Account,
    Books,
    Follower,
    KfAccount,
    MediaItem,
    NativeSession,
    Token,
    World,
)

DELAY_S = 0.2
SCHEMA = """CREATE TABLE IF NOT EXISTS state (
  kind TEXT, appid TEXT, key TEXT, doc TEXT NOT NULL, data BLOB, PRIMARY KEY (kind, appid, key))"""

Row = tuple[str, str, str]


class Snapshot:
    """Restores a world from its file and saves what is touched. The saver thread starts with
    the first change, so a process may fork between."""

    def __init__(self, world: World, path: str) -> None:
        self._world = world
        self._path = path
        self._dirty: set[Row] = set()
        self._changed = threading.Condition()
        self._write = threading.Lock()
        self._thread: threading.Thread | None = None
        self._restore()
        world.touch = self.touch
        atexit.register(self.flush)

    def touch(self, kind: str, appid: str, key: str) -> None:
        """Note a change; it is on disk within moments."""
        with self._changed:
            self._dirty.add((kind, appid, key))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            self._changed.notify()

    def flush(self) -> None:
        """Write all noted changes now."""
        with self._write:
            with self._changed:
                rows, self._dirty = self._dirty, set()
            if not rows:
                return
            with self._world.lock:
                found = [(row, self._encode(row)) for row in rows]
            self._save(found)

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._dirty))
            pause.wait(DELAY_S)
            self.flush()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=10)

    def _save(self, found: list[tuple[Row, tuple[str, bytes | None] | None]]) -> None:
        connection = self._connect()
        try:
            with connection:
                for row, encoded in found:
                    if encoded is None:
                        gone = "DELETE FROM state WHERE kind=? AND appid=? AND key=?"
                        connection.execute(gone, row)
                    else:
                        put = "INSERT OR REPLACE INTO state VALUES (?,?,?,?,?)"
                        connection.execute(put, (*row, *encoded))
        finally:
            connection.close()

    def _encode(self, row: Row) -> tuple[str, bytes | None] | None:
        kind, appid, key = row
        if kind == "clock":
            return json.dumps({"offset_ms": self._world.clock.offset_ms}), None
        account = self._world.accounts[appid]
        if kind == "books":
            return json.dumps(dataclasses.asdict(account.books)), None
        shelves: dict[str, dict[str, Any]] = {
            "follower": account.followers,
            "kf": account.kf,
            "media": account.media,
        }
        item = shelves[kind].get(key)
        if item is None:
            return None
        doc = {f.name: getattr(item, f.name) for f in dataclasses.fields(item)}
        data = doc.pop("data", None)
        return json.dumps(doc, default=dataclasses.asdict), data

    def _restore(self) -> None:
        connection = self._connect()
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(SCHEMA)
            for kind, appid, key, doc, data in connection.execute("SELECT * FROM state"):
                self._load(kind, appid, key, json.loads(doc), data)
        finally:
            connection.close()

    def _load(
        self, kind: str, appid: str, key: str, doc: dict[str, Any], data: bytes | None
    ) -> None:
        if kind == "clock":
            self._world.clock.offset_ms = doc["offset_ms"]
            return
        account = self._world.accounts.get(appid)
        if account is None:
            return
        if kind == "books":
            account.books = _books(doc)
        elif kind == "kf":
            account.kf[key] = KfAccount(**doc)
        elif kind == "media":
            _keep(account, MediaItem(**doc, data=data or b""), self._world.clock.now_ms())
        elif kind == "follower":
            buckets = {name: Bucket(**b) for name, b in doc.pop("buckets").items()}
            account.followers[key] = Follower(**doc, buckets=buckets)


def _keep(account: Account, item: MediaItem, now_ms: int) -> None:
    if not item.expired(now_ms):
        account.media[item.media_id] = item


def _books(doc: dict[str, Any]) -> Books:
    doc["tokens"] = [Token(**t) for t in doc["tokens"]]
    doc["sessions"] = {o: NativeSession(**s) for o, s in doc["sessions"].items()}
    doc["tags"] = {int(i): name for i, name in doc["tags"].items()}
    return Books(**doc)
