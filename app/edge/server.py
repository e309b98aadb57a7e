"""The Flask application of a node: callback, API and pages behind the same bounds and headers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from flask import Flask, Response, current_app, g, request

from app.api import admin, health, openapi
from app.api.agent import agents, auth, canned, customers, events, me, media, messages, sessions
from app.api.core import PREFIX
from app.api.handling import register
from app.api.problems import answer_to
from app.edge import callback, pages
from app.edge.callback import front
from app.node.logs import begin
from app.refusals import Refusal
from app.services import Services

QUIET_PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics"})
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors {ancestors}"
)
PERMISSIONS: Final = "camera=(), geolocation=(), microphone=(self), payment=(), usb=()"

MODULES: Final = {
    "openapi": openapi.routes,
    "health": health.routes,
    "auth": auth.routes,
    "me": me.routes,
    "events": events.routes,
    "sessions": sessions.routes,
    "messages": messages.routes,
    "media": media.routes,
    "agents": agents.routes,
    "customers": customers.routes,
    "canned": canned.routes,
    **admin.MODULES,
}
OPEN_BLUEPRINTS: Final = frozenset({"callback", "pages"})
"""What asks for no login by its own nature; everything else declares its permission."""

log = structlog.get_logger()


def create_app(services: Services) -> Flask:
    """The whole application. Everything it needs has been built already."""
    app = Flask("kfring", static_folder=None)
    accounts = {appid: served.account for appid, served in services.served.items()}
    app.register_blueprint(callback.blueprint(accounts))
    app.register_blueprint(pages.blueprint())
    register(app, services, MODULES)
    app.before_request(_begin)
    app.before_request(_deny_undeclared)
    always = _security_headers(services)
    app.after_request(_headers(always))
    app.register_error_handler(Exception, answer_to)
    short_way = pages.front(front(app.wsgi_app, accounts, always, begin), always, begin)
    app.wsgi_app = short_way  # type: ignore[method-assign,assignment]
    return app


def _begin() -> None:
    g.request_id = begin(request.headers.get("X-Request-ID", ""))
    g.began = time.perf_counter()


def _deny_undeclared() -> None:
    """A route that somebody forgot to give a permission answers nobody."""
    rule = request.url_rule
    if rule is None or request.blueprint in OPEN_BLUEPRINTS:
        return
    if rule.endpoint not in current_app.extensions["kfring"]:
        raise Refusal("forbidden", "This route declares no permission.")


def _security_headers(services: Services) -> Mapping[str, str]:
    """For everything; ``/demo`` shows the desk in a frame of the same origin."""
    ancestors = "'self'" if services.settings.simulator_on else "'none'"
    return {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": PERMISSIONS,
        "Content-Security-Policy": CSP.format(ancestors=ancestors),
    }


def _headers(always: Mapping[str, str]) -> Callable[[Response], Response]:
    def finish(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        for name, value in always.items():
            response.headers.setdefault(name, value)
        if request.path.startswith(PREFIX) or request.path in QUIET_PATHS:
            response.headers.setdefault("Cache-Control", "no-store")
        if request.path.startswith(PREFIX):
            _log(response)
        return response

    return finish


def _log(response: Response) -> None:
    rule = request.url_rule
    log.info(
        "request",
        method=request.method,
        route=rule.rule if rule else "",
        status=response.status_code,
        ms=round((time.perf_counter() - g.began) * 1000, 1),
    )
