"""A program for the launcher's tests: the real launcher around an application of a few paths.

`python -m tests.small_app`. /healthz, /count (adds one in Redis), /pid, /node, and /stream, which
lasts until the node drains. REFUSE=1 in the environment makes the application refuse to start,
SLOW_S makes its start take longer.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import redis

from app.node.context import NodeContext, StartError
from app.node.generated import ADMIN_MADE, mark_admin
from app.node.launcher import serve
from app.node.serving import Application
from config.settings import Settings

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


def create_wsgi(settings: Settings, node: NodeContext) -> Callable[..., Iterable[bytes]]:
    if os.environ.get("REFUSE"):
        raise StartError("the store refuses us\nand the weather is bad")
    sys.stderr.write("small app: building\n")
    sys.stderr.flush()
    time.sleep(float(os.environ.get("SLOW_S", "0")))
    mark_admin(settings.data_dir, ADMIN_MADE)
    store = redis.Redis.from_url(node.redis_url)
    facts = {"redis": node.redis_url, "node": node.node_id, "demo": node.demo is not None}

    def stream() -> Iterator[bytes]:
        while not node.draining():
            yield b": beat\n\n"
            time.sleep(0.1)
        yield b"event: drain\n\n"

    def application(environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        match environ["PATH_INFO"]:
            case "/count":
                return [str(store.incr("count")).encode()]
            case "/pid":
                return [str(os.getpid()).encode()]
            case "/node":
                return [json.dumps(facts).encode()]
            case "/stream":
                return stream()
        return [b"ok"]

    return application


def shutdown() -> None:
    sys.stderr.write("small app: shut down\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(serve(lambda: cast(Application, sys.modules[__name__])))
