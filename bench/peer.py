"""Starts a peer: its application on the same server and core as the node beside it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.lab import SERVER_CORE, on_cores, python_of
from tests.e2e.world import AES_KEY, ROOT, Credentials
from tests.support import accepts, free_port, wait_until

VENV = Path(os.environ.get("BENCH_PEERS", ROOT / ".venv-bench"))
APPS = {"empty": "empty", "werobot": "werobot_echo", "wechatpy": "wechatpy_echo"}
GUNICORN_THREADS = 8
START_S = 20


@contextlib.contextmanager
def peer(app: str, server: str, credentials: Credentials) -> Iterator[str]:
    """``app`` of bench/peers on gunicorn's threads or on granian; its address."""
    port = free_port()
    env = {
        "PATH": os.environ["PATH"],
        "PEER_TOKEN": credentials.token,
        "PEER_KEY": AES_KEY,
        "PEER_APPID": credentials.appid,
    }
    with on_cores([SERVER_CORE]):
        process = subprocess.Popen(
            _command(app, server, port), cwd=ROOT / "bench" / "peers", env=env
        )
    try:
        wait_until(lambda: accepts(port), START_S)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _command(app: str, server: str, port: int) -> list[str]:
    python = [python_of(VENV), "-m"]
    if server == "gunicorn":
        options = [
            "-k",
            "gthread",
            "--threads",
            str(GUNICORN_THREADS),
            "--no-control-socket",
            "--log-level",
            "error",
        ]
        return [
            *python,
            "gunicorn",
            *options,
            "-b",
            f"127.0.0.1:{port}",
            f"{APPS[app]}:application",
        ]
    options = ["--interface", "wsgi", "--no-ws", "--port", str(port), "--log-level", "error"]
    return [*python, "granian", *options, f"{APPS[app]}:application"]
