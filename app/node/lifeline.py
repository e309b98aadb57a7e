"""Children that never outlive their parent, however it died."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_WATCH = 'read _; kill "-$1" "$2" 2>/dev/null'  # read returns when the last writer is gone


def tie_to_parent(parent: int, last_signal: signal.Signals = signal.SIGKILL) -> None:
    """In a fresh child: it gets `last_signal` when the parent's main thread dies. Linux only."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, last_signal, 0, 0, 0)
    if os.getppid() != parent:  # it died before the call above
        os._exit(1)


def tied(last_signal: signal.Signals) -> Callable[[], None]:
    """`preexec_fn` for a child of this process; call it in the main thread."""
    parent = os.getpid()
    return lambda: tie_to_parent(parent, last_signal)


class PipeWatcher:
    """Where the kernel has no parent-death signal: a shell that waits on a pipe, then sends it."""

    def __init__(self, pid: int, last_signal: signal.Signals) -> None:
        reader, self._writer = os.pipe()
        command = ["/bin/sh", "-c", _WATCH, "sh", str(int(last_signal)), str(pid)]
        self._shell = subprocess.Popen(command, stdin=reader, start_new_session=True, env={})
        os.close(reader)

    def release(self) -> None:
        """In a forked sibling: give up our copy of the pipe, which would keep it open."""
        os.close(self._writer)

    def close(self) -> None:
        """End the watch without killing anybody; for after the child has gone."""
        self._shell.kill()
        self._shell.wait()
        os.close(self._writer)
