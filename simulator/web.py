"""The simulator as a WSGI application, alone or in front of the server it serves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, request

from simulator import (
    api_kf,
    api_media,
    api_message,
    api_token,
    api_user,
    pages,
    sim_customers,
    sim_platform,
)
from simulator.api_session import SessionApi
from simulator.config import SimulatorConfig
from simulator.customers import Customers
from simulator.faults import Faults, RequestLog
from simulator.gate import Gate
from simulator.push import PushEngine
from simulator.snapshot import Snapshot
from simulator.specs import BadRequest
from simulator.state import World

PREFIXES = ("/sim", "/cgi-bin", "/customservice", "/phone", "/demo")
BODY_MAX_BYTES = 16 * 1024 * 1024

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def create_simulator(config: SimulatorConfig) -> Flask:
    """The whole platform. ``app.extensions["simulator"]`` is its World.

    Nothing is started here but what lives in this process; the state file's saver starts with
    the first change, so the application may be built before a fork.
    """
    app = Flask("simulator", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_MAX_BYTES
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    world = World(config)
    if config.state_file:
        app.extensions["simulator_snapshot"] = Snapshot(world, config.state_file)
    app.extensions["simulator"] = world
    engine, faults, log = PushEngine(world), Faults(), RequestLog()
    gate = Gate(app, world, faults, log)
    for module in (api_token, api_message, api_media, api_user, api_kf):
        module.register(gate)
    SessionApi(engine).register(gate)
    app.register_blueprint(sim_customers.blueprint(world, Customers(world, engine)))
    app.register_blueprint(sim_platform.blueprint(world, engine, faults, log))
    app.register_blueprint(pages.blueprint())
    app.before_request(_same_origin)
    app.register_error_handler(BadRequest, _bad_request)
    return app


def mount(server: Wsgi, simulator: Wsgi) -> Wsgi:
    """One WSGI application: the simulator's exact prefixes go to it, all else to ``server``."""

    def dispatch(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        ours = any(path == p or path.startswith(p + "/") for p in PREFIXES)
        return (simulator if ours else server)(environ, start_response)

    return dispatch


def _same_origin() -> tuple[Response, int] | None:
    """Another site's page in the same browser must not drive the simulator."""
    if request.headers.get("Sec-Fetch-Site") == "same-origin":
        return None  # the browser knows; behind a proxy the Host may lack the port that Origin has
    origin = request.headers.get("Origin")
    if origin and request.method != "GET" and urlsplit(origin).netloc != request.host:
        return jsonify(error="requests from other sites are refused"), 403
    return None


def _bad_request(error: BadRequest) -> tuple[Response, int]:
    return jsonify(error=str(error)), 400
