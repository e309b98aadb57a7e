"""For operators and load balancers: alive, ready, figures. None of them needs a login."""

from __future__ import annotations

import pyexpat
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from time import monotonic
from typing import Any, Final

import structlog
from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.api.core import PUBLIC, Call, Routes, Shape, data_response
from app.forwarded import read_address
from app.metrics import REGISTRY
from app.refusals import Refusal
from app.services import Services
from app.storage import values
from sessions.sql import reading

# A load balancer waits a second or so. A Redis that is slow is not away: an idle connection asks twice,
# and at 200 ms each way callbacks are still within their deadline (reliability, scenario 5).
PROBE_S: Final = 0.8

log = structlog.get_logger()
routes = Routes(prefix="")


class Alive(Shape):
    """The process answers."""

    status: str


class Ready(Shape):
    """``presence`` is the state of ZooKeeper by official account; it is reported, not required."""

    ready: bool
    draining: bool
    redis: bool
    database: bool
    presence: dict[str, str]
    expat: str


class Probe:
    """Asks one store. Who comes while a question is open waits for its answer, each for ``PROBE_S``
    since it was asked: a store that hangs costs one thread and no further patience."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"probe-{name}")
        self._lock = Lock()
        self._asked: Future[Any] = Future()
        self._asked.set_result(None)
        self._until = 0.0

    def ask(self, question: Callable[[], object]) -> None:
        with self._lock:
            if self._asked.done():
                self._asked = self._pool.submit(question)
                self._until = monotonic() + PROBE_S

    def fine(self) -> bool:
        with self._lock:
            asked, until = self._asked, self._until
        try:
            asked.result(max(0.0, until - monotonic()))
        except Exception as error:  # whatever it is, the answer is "not ready"
            log.warning("not_ready", store=self._name, error_type=type(error).__name__)
            return False
        return True


_redis = Probe("redis")
_database = Probe("database")


@routes.add("GET", "/healthz", PUBLIC, summary="The process is alive", answer=Alive)
def healthz(call: Call) -> dict[str, str]:
    return {"status": "ok"}


@routes.add(
    "GET",
    "/readyz",
    PUBLIC,
    summary="The node may be sent requests, 503 = not now",
    answer=Ready,
    also_status=503,
)
def readyz(call: Call) -> Response:
    services = call.services
    _redis.ask(services.scripts.ping)
    _database.ask(lambda: _touch(services))
    state = {
        "draining": services.node.draining(),
        "redis": _redis.fine(),
        "database": _database.fine(),
    }
    ready = state["redis"] and state["database"] and not state["draining"]
    data = {"ready": ready, **state, "presence": _presence(services)}
    data["expat"] = pyexpat.EXPAT_VERSION
    return data_response(data, status=200 if ready else 503)


@routes.add(
    "GET",
    "/metrics",
    PUBLIC,
    summary="Figures for Prometheus, for this machine only",
    raw=True,
    content_types=("text/plain",),
    refuses=(403,),
)
def metrics(call: Call) -> Response:
    if not _local(call):
        raise Refusal("forbidden", "Only for this machine.")
    return Response(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


def _local(call: Call) -> bool:
    """A proxy on this machine that is not named as trusted makes everybody look local: refused."""
    client, peer = read_address(call.ip), read_address(call.request.remote_addr or "")
    forwarded = "X-Forwarded-For" in call.request.headers and client == peer
    return client is not None and client.is_loopback and not forwarded


def _touch(services: Services) -> None:
    with reading(services.engine) as conn:
        values.get(conn, "readyz")


def _presence(services: Services) -> dict[str, str]:
    return {
        appid: str(served.account.attendance.health().state)
        for appid, served in services.served.items()
    }
