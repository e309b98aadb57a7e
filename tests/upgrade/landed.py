"""The data of landed versions: unpacked, and moved in time as if it had been made today."""

from __future__ import annotations

import json
import lzma
import re
import tarfile
import time
from pathlib import Path
from typing import Any

import psycopg

FOLDER = Path(__file__).parent / "data"
AOF_BASES = "**/appendonlydir/*.aof"
MARGIN_MS = 90 * 86_400_000
"""Times in the data lie around the day it was made: the longest deadline and the credit of the head."""


def folders() -> list[Path]:
    return sorted(path.parent for path in FOLDER.glob("*/made.json"))


def made(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "made.json").read_text("utf-8"))
    return found


def unpack(archive: Path, target: Path, made_ms: int) -> None:
    """Unpack into `target`; the times in append-only files move by the age of the data."""
    with tarfile.open(archive) as packed:
        packed.extractall(target, filter="data")
    age_ms = int(time.time() * 1000) - made_ms
    for file in target.glob(AOF_BASES):
        file.write_bytes(moved(file.read_bytes(), made_ms, age_ms))


def load(dump: Path, database_url: str) -> None:
    """Run a plain dump of PostgreSQL in an empty database."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(lzma.decompress(dump.read_bytes()))


def moved(commands: bytes, around_ms: int, by_ms: int) -> bytes:
    """The commands of an append-only file with every time near `around_ms` later by `by_ms`.

    Times are milliseconds, in scores of queues microseconds; they stand alone, in JSON or in the ids of
    streams. Each argument has its length before it, and no time gains a digit until the year 2286.
    """

    def later(found: re.Match[bytes]) -> bytes:
        unit = 1000 if len(found[0]) == 16 else 1
        value = int(found[0])
        near = abs(value // unit - around_ms) < MARGIN_MS
        return str(value + by_ms * unit).encode() if near else found[0]

    return re.sub(rb"(?<![0-9A-Za-z])(?:\d{16}|\d{13})(?![0-9A-Za-z])", later, commands)
