"""The server's own secret, from which keys for single purposes are derived."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path
from typing import Final

FILE: Final = "secret_key"
KEY_BYTES: Final = 32


def load(given: str | None, data_dir: Path) -> bytes:
    """``KF_SECRET_KEY`` if given, else one made once and kept in ``data_dir``, readable by us only.

    Processes that start at once end with the same key. Raises ``OSError``, and ``ValueError`` on a
    damaged file.
    """
    if given:
        return given.encode()
    path = data_dir / FILE
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"{path} is damaged: put it back from a backup, or remove it to get a new")
    return key


def derive(secret: bytes, purpose: str) -> bytes:
    """A key of its own for one purpose."""
    return hmac.digest(hashlib.sha256(secret).digest(), purpose.encode(), "sha256")


def _make(path: Path) -> None:
    """Complete before it gets its name; the first of several wins."""
    handle, partial = tempfile.mkstemp(prefix=f".{FILE}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_bytes(KEY_BYTES).hex())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(partial, path)
    finally:
        os.unlink(partial)
