"""Health and metrics for operators and load balancers, without a login."""

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

# A load balancer waits about a second. A slow Redis is still usable: an idle connection needs two round
# trips, and at 200 ms each way callbacks still meet their deadline (reliability, scenario 5).
PROBE_S: Final = 0.8

log = structlog.get_logger()
routes = Routes(prefix="")


class Alive(Shape):
    """The answer of a live process."""

    status: str


class Ready(Shape):
    """Whether the node is ready. ``redis`` and ``draining`` decide; the rest is for operators only.

    A node takes pushes and replies without the database and ZooKeeper. All nodes share both, so a balancer
    that acted on them would remove every node at once. ``presence`` is ZooKeeper's state by official account.
    ``settings_differ`` names settings in which the nodes differ.
    """

    ready: bool
    draining: bool
    redis: bool
    database: bool
    presence: dict[str, str]
    expat: str
    settings_differ: list[str]


class Probe:
    """A probe of one store. Concurrent callers share the open question and wait ``PROBE_S`` from its start.

    So a store that hangs costs one thread, and later callers wait no longer.
    """

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
        except Exception as error:  # any error means "not ready"
            log.warning("not_ready", store=self._name, error_type=type(error).__name__)
            return False
        return True


_redis = Probe("redis")


@routes.add("GET", "/healthz", PUBLIC, summary="Return whether the process is alive", answer=Alive)
def healthz(call: Call) -> dict[str, str]:
    return {"status": "ok"}


@routes.add(
    "GET",
    "/readyz",
    PUBLIC,
    summary="Return whether the node is ready for pushes; 503 if not",
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
    summary="Return metrics for Prometheus, to this machine and the networks in KF_METRICS_FROM",
    raw=True,
    content_types=("text/plain",),
    refuses=(403,),
)
def metrics(call: Call) -> Response:
    if not _may_read_metrics(call):
        raise Refusal("forbidden", "Only for this machine and the networks in KF_METRICS_FROM.")
    return Response(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


def _may_read_metrics(call: Call) -> bool:
    """Return whether the caller may read metrics; through a proxy that is not trusted nobody may."""
    client, peer = read_address(call.ip), read_address(call.request.remote_addr or "")
    if client is None or ("X-Forwarded-For" in call.request.headers and client == peer):
        return False
    networks = call.services.settings.metrics_from
    return any(client in network for network in networks) if networks else client.is_loopback


def _reported(services: Services) -> dict[str, Any]:
    """Return what operators need and balancers must not act on. It comes from memory."""
    return {
        "database": services.database_up(),
        "presence": _presence(services),
        "expat": pyexpat.EXPAT_VERSION,
        "settings_differ": list(services.settings_differing()),
    }


def _presence(services: Services) -> dict[str, str]:
    return {
        appid: str(served.account.attendance.health().state)
        for appid, served in services.served.items()
    }
