"""Starts a peer: its application on the same server and core as the node beside it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from bench.lab import SERVER_CORE, listening, python_of
from tests.e2e.world import AES_KEY, ROOT, Credentials
from tests.support import free_port

VENV = Path(os.environ.get("BENCH_PEERS", ROOT / ".venv-bench"))
APPS = {"empty": "empty", "werobot": "werobot_echo", "wechatpy": "wechatpy_echo"}
GUNICORN_THREADS = 8


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
    command, folder = _command(app, server, port), ROOT / "bench" / "peers"
    with listening(command, port, SERVER_CORE, cwd=folder, env=env) as url:
        yield url


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
