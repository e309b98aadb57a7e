"""One running server per data folder: an advisory lock that lives as long as its processes."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from app.node.context import StartError

LOCK_FILE = "kfring.lock"
DYING_CHILDREN_S = 10.0  # after kill -9 the children of the old launcher take a moment to go
DYING_LAUNCHER_S = 0.5  # a launcher killed just now may still be in the process table
_POLL_S = 0.05


class DataLock:
    """Holds `<folder>/kfring.lock`; made by `acquire`, given back by the end of the process.

    Children that inherit `descriptor` hold the lock too, so that a folder is never opened by
    a new server while an old one still writes to it.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def acquire(cls, folder: Path) -> DataLock:
        """Lock `folder`, making it if need be. Raises StartError naming the holder's pid."""
        path = folder / LOCK_FILE
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartError(
                f"the data folder {folder} cannot be used: {error.strerror}; see KF_DATA_DIR"
            ) from None
        lock = cls(descriptor)
        lock._wait(folder)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return lock

    def _wait(self, folder: Path) -> None:
        start = time.monotonic()
        while not self._try():
            pid = self._holder()
            waited = time.monotonic() - start
            if waited > (DYING_LAUNCHER_S if is_alive(pid) else DYING_CHILDREN_S):
                os.close(self.descriptor)
                raise StartError(
                    f"another kfring (pid {pid or 'unknown'}) already runs on the data folder "
                    f"{folder}; stop it, or choose another KF_DATA_DIR and PORT"
                )
            time.sleep(_POLL_S)

    def _try(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _holder(self) -> int:
        text = os.pread(self.descriptor, 32, 0).strip()
        return int(text) if text.isdigit() else 0


def is_alive(pid: int) -> bool:
    """Whether `pid` runs; a zombie, dead but not yet collected by its parent, does not."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return True  # no /proc on this system: the signal's answer stands
    return state not in ("Z", "X")
