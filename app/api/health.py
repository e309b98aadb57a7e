"""For operators and load balancers: alive, ready, figures. None of them needs a login."""

from __future__ import annotations

import pyexpat
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any, Final

import structlog
from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.api.callers import client_address
from app.api.core import PUBLIC, Call, Routes, Shape, data_response
from app.metrics import REGISTRY
from app.refusals import Refusal
from app.services import Services
from app.storage import values
from sessions.sql import reading

REDIS_S: Final = 0.3
DATABASE_S: Final = 1.0

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
    """Asks one store with a limit of time; while one question hangs no other is begun."""

    def __init__(self, name: str, limit_s: float) -> None:
        self._name = name
        self._limit_s = limit_s
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"probe-{name}")
        self._asked: Future[Any] | None = None

    def fine(self, ask: Callable[[], object]) -> bool:
        if self._asked is not None and not self._asked.done():
            return False
        self._asked = self._pool.submit(ask)
        try:
            self._asked.result(self._limit_s)
        except Exception as error:  # whatever it is, the answer is "not ready"
            log.warning("not_ready", store=self._name, error_type=type(error).__name__)
            return False
        return True


_redis = Probe("redis", REDIS_S)
_database = Probe("database", DATABASE_S)


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
    state = {
        "draining": services.node.draining(),
        "redis": _redis.fine(services.redis.ping),
        "database": _database.fine(lambda: _touch(services)),
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
    address = client_address(call.services, call.request)
    forwarded = "X-Forwarded-For" in call.request.headers and address == call.request.remote_addr
    try:
        return ip_address(address).is_loopback and not forwarded
    except ValueError:
        return False


def _touch(services: Services) -> None:
    with reading(services.engine) as conn:
        values.get(conn, "readyz")


def _presence(services: Services) -> dict[str, str]:
    return {
        appid: str(served.account.attendance.health().state)
        for appid, served in services.served.items()
    }
