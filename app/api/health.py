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
from app.metrics.prometheus import REGISTRY
from app.refusals import Refusal
from app.services import Services

# A load balancer waits a second or so. A Redis that is slow is not away: an idle connection asks twice,
# and at 200 ms each way callbacks are still within their deadline (reliability, scenario 5).
PROBE_S: Final = 0.8

log = structlog.get_logger()
routes = Routes(prefix="")


class Alive(Shape):
    """The process answers."""

    status: str


class Ready(Shape):
    """``redis`` and ``draining`` decide; the rest is reported beside them.

    Without the database and ZooKeeper a node still takes pushes and replies, and all nodes share them: a
    balancer would take out every node at once. ``presence`` is ZooKeeper's state by official account.
    """

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


@routes.add("GET", "/healthz", PUBLIC, summary="The process is alive", answer=Alive)
def healthz(call: Call) -> dict[str, str]:
    return {"status": "ok"}


@routes.add(
    "GET",
    "/readyz",
    PUBLIC,
    summary="The node may be sent pushes, 503 = not now",
    answer=Ready,
    also_status=503,
)
def readyz(call: Call) -> Response:
    services = call.services
    _redis.ask(services.scripts.ping)
    state = {
        "draining": services.node.draining(),
        "redis": _redis.fine(),
    }
    ready = state["redis"] and not state["draining"]
    data = {"ready": ready, **state, **_reported(services)}
    return data_response(data, status=200 if ready else 503)


@routes.add(
    "GET",
    "/metrics",
    PUBLIC,
    summary="Figures for Prometheus, for this machine or the networks in KF_METRICS_FROM",
    raw=True,
    content_types=("text/plain",),
    refuses=(403,),
)
def metrics(call: Call) -> Response:
    if not _may_read_metrics(call):
        raise Refusal("forbidden", "Only for this machine and the networks in KF_METRICS_FROM.")
    return Response(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


def _may_read_metrics(call: Call) -> bool:
    """Refuse whatever comes by a proxy that is not named as trusted: everybody would seem to be the proxy."""
    client, peer = read_address(call.ip), read_address(call.request.remote_addr or "")
    if client is None or ("X-Forwarded-For" in call.request.headers and client == peer):
        return False
    networks = call.services.settings.metrics_from
    return any(client in network for network in networks) if networks else client.is_loopback


def _reported(services: Services) -> dict[str, Any]:
    """Return what an operator wants to know and a balancer must not act on; it is at hand."""
    return {
        "database": services.database_up(),
        "presence": _presence(services),
        "expat": pyexpat.EXPAT_VERSION,
    }


def _presence(services: Services) -> dict[str, str]:
    return {
        appid: str(served.account.attendance.health().state)
        for appid, served in services.served.items()
    }
