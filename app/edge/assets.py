"""The front end's files: read once, kept in memory plain and compressed, named by what is in all of them."""

from __future__ import annotations

import gzip
import hashlib
import posixpath
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

VERSION_CHARS: Final = 16
LOOK_EVERY_S: Final = 1.0
TYPES: Final = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
"""What is served at all; the system's own table of types differs between machines."""

IMPORT: Final = re.compile(r'(?:\bfrom|^import)\s*"(\.[^"]+)"', re.MULTILINE)
"""A module that is needed at once; `import("…")` asks for it later."""

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Asset:
    """One file as it is sent."""

    content: bytes
    mimetype: str

    @cached_property
    def packed(self) -> bytes:
        return gzip.compress(self.content, mtime=0)

    @cached_property
    def etag(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:VERSION_CHARS]


class Bundle:
    """All files of one release. Every node of the release agrees on `version`."""

    def __init__(self, files: Mapping[str, Asset]) -> None:
        self.files = files
        digest = hashlib.sha256()
        for name, file in files.items():
            digest.update(f"{name}\0{len(file.content)}\0".encode() + file.content)
        self.version = digest.hexdigest()[:VERSION_CHARS]

    def reached(self, name: str) -> list[str]:
        """The module and all it needs at once, so that a browser may ask for all of them together."""
        found, open_ = {name: None}, [name]
        while open_:
            at = open_.pop()
            for path in IMPORT.findall(self.files[at].content.decode()):
                target = posixpath.normpath(posixpath.join(posixpath.dirname(at), path))
                if target not in found:
                    found[target] = None
                    open_.append(target)
        return list(found)


class Assets:
    """The bundle of a folder; looks at most once a second whether a file of it changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._stamp: Stamp = ()
        self._bundle = Bundle({})
        self._looked_at = float("-inf")

    def bundle(self) -> Bundle:
        if self._is_due():
            with self._lock:
                if self._is_due():
                    self._look()
        return self._bundle

    def _is_due(self) -> bool:
        return time.monotonic() - self._looked_at >= LOOK_EVERY_S

    def _look(self) -> None:
        stamp = self._stamp_now()
        if stamp != self._stamp:
            self._bundle = Bundle({name: self._read(name) for name, _, _ in stamp})
            self._stamp = stamp
        self._looked_at = time.monotonic()

    def _stamp_now(self) -> Stamp:
        paths = (path for path in sorted(self._folder.rglob("*")) if path.suffix in TYPES)
        stats = ((path.relative_to(self._folder).as_posix(), path.stat()) for path in paths)
        return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)

    def _read(self, name: str) -> Asset:
        path = self._folder / name
        return Asset(path.read_bytes(), TYPES[path.suffix])
