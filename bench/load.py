"""The load generator: wrk with a script. Threads of Python would measure themselves, not the server."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.lab import LOAD_CORE
from bench.rows import NotMeasured

SCRIPT = Path(__file__).parent / "replay.lua"
TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Load:
    """What the generator saw; latencies in ms. ``bad`` are answers other than 200 and broken calls."""

    rate: float
    p50: float
    p99: float
    p999: float
    most: float
    bad: int
    requests: int


class RanOut(Exception):
    """More pushes were sent than had been made: the rest were repeats, and the figure is void."""


def replay(url: str, pushes: Path, connections: int, seconds: float, pause_ms: float = 0) -> Load:
    """POST the file's pushes over open connections for so long. Raises RanOut, NotMeasured."""
    if not shutil.which("wrk"):
        raise NotMeasured("wrk is not installed")
    return _wrk(url, pushes, connections, seconds, pause_ms)


def send_all(url: str, pushes: Path) -> None:
    """Each push of the file once, over one connection."""
    with connect(url) as to:
        for line in pushes.read_bytes().splitlines():
            assert post(to, line), f"not answered 200: {line[:80]!r}"


def _wrk(url: str, pushes: Path, connections: int, seconds: float, pause_ms: float) -> Load:
    command = ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{connections}"]
    command += [f"-d{seconds:.0f}s", f"--timeout={TIMEOUT_S}s", "-s", str(SCRIPT), url]
    command += ["--", str(pushes), f"{pause_ms:.3f}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    line = next(row for row in done.stdout.splitlines() if row.startswith("RESULT "))
    requests, took_us, bad, out, *latency = (int(word) for word in line.split()[1:])
    if out:
        raise RanOut(str(pushes))
    p50, p99, p999, most = (us / 1000 for us in latency)
    return Load(requests / took_us * 1e6, p50, p99, p999, most, bad, requests)


def connect(url: str) -> socket.socket:
    """A connection to keep, for ``post``."""
    parts = urlsplit(url)
    assert parts.hostname and parts.port
    return socket.create_connection((parts.hostname, parts.port), TIMEOUT_S)


def post(to: socket.socket, line: bytes) -> bool:
    """One line of the file over a kept connection; whether it was answered 200."""
    path, _, body = line.partition(b"\t")
    head = (
        b"POST %b HTTP/1.1\r\nHost: bench\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n"
    )
    to.sendall(head % (path, len(body)) + body)
    answer = to.recv(65_536)
    while not _whole(answer):
        answer += to.recv(65_536) or b"\r\n\r\n"
    return answer.startswith(b"HTTP/1.1 200")


def _whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(end) and len(body) >= int(length[1] if length else 0)
