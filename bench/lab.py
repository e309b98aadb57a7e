"""What is measured and what measures it, each on its own core: the server on 0, the rest on 1."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.e2e.world import ROOT, Credentials, Node, Platform
from tests.support import accepts, wait_until

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = CORES[0]
LOAD_CORE = CORES[-1]
START_S = 20


@contextlib.contextmanager
def on_cores(cores: Iterable[int]) -> Iterator[None]:
    """Children started inside stay on these cores, with all their threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def listening(command: Sequence[str], port: int, core: int, **more: Any) -> Iterator[str]:
    """The address of a process on this core, from when it answers until the block's end."""
    with on_cores([core]):
        process = subprocess.Popen(command, **more)
    try:
        wait_until(lambda: accepts(port), START_S)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def pin(pid: int, core: int) -> None:
    """Every thread of a running process."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread), {core})


def python_of(venv: Path) -> str:
    return str(venv / "bin" / "python")


def node_python() -> str:
    """Of an environment without what only tests and checks need: libraries take up what they find."""
    lean = ROOT / ".venv-node"
    return python_of(lean) if (lean / ".run-stamp").exists() else sys.executable


class BenchNode(Node):
    """A node as ``make run`` starts it; its embedded store is moved to the other core."""

    python = node_python()
    cores: Sequence[int] = (SERVER_CORE,)

    def start(self) -> BenchNode:
        with on_cores(self.cores):
            super().start()
        if store := self.embedded_store_pid():
            pin(store, LOAD_CORE)
        return self

    @property
    def redis_url(self) -> str:
        if url := self.env.get("KF_REDIS_URL"):
            return url
        record = Path(self.env["KF_DATA_DIR"]) / "redis" / "socket-dir"
        return f"unix://{record.read_text().strip()}/redis.sock?db=0"

    def worker_pid(self) -> int:
        """The process that answers."""
        assert self.process is not None
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=True
        )
        store = self.embedded_store_pid()
        return next(int(pid) for pid in found.stdout.split() if int(pid) != store)

    def cpu_s(self) -> float:
        """What the process that answers has used so far, the system's work for it included."""
        fields = Path(f"/proc/{self.worker_pid()}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Resident memory of the process that answers."""
        status = Path(f"/proc/{self.worker_pid()}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


@contextlib.contextmanager
def node(of: Credentials | None = None, **env: str) -> Iterator[BenchNode]:
    """A platform and one node on fresh data with the embedded store; both end with the block."""
    os.sched_setaffinity(0, {LOAD_CORE})
    credentials = of or Credentials()
    platform = Platform(credentials)
    with tempfile.TemporaryDirectory(prefix="kfbench-") as folder:
        made = BenchNode(Path(folder), credentials, platform, **(DEFAULTS | env))
        try:
            yield made.start()
        finally:
            made.stop()
            platform.stop()


DEFAULTS = {"KF_SWEEP_S": "5"}  # as shipped; the tests' world sweeps each second


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def command_output(*command: str, **more: Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True, **more)
    return done.stdout
