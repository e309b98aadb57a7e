"""The desk and the console: static modules, served so that a browser never runs two versions at once.

A page names its files under ``static/<version>/``, the hash of all of them; relative imports stay below it,
so they may be kept for ever. Under another version a file is asked for again each time. A page names every
module it will need, its script's first: they come side by side, not one level of imports after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from app.edge.assets import Asset, Assets, Bundle

WEB: Final = Path(__file__).resolve().parents[1] / "web"
STATIC: Final = "/static/"
FOR_EVER: Final = "public, max-age=31536000, immutable"
ASK_EACH_TIME: Final = "no-cache"
SCRIPTS: Final = {
    "desk.html": ("desk/main.js", "shared/words.zh.js", "desk/desk.js", "desk/chat.js"),
    "admin.html": ("admin/main.js", "shared/words.zh.js", "admin/console.js"),
}
"""What a page runs, and what that asks for once it runs, in this order."""

ASSETS: Final = Assets(WEB)

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def blueprint() -> Blueprint:
    """/, /desk and /admin."""
    bp = Blueprint("pages", __name__)

    @bp.get("/")
    def home() -> BaseResponse:
        return redirect(url_for("pages.desk"))

    @bp.get("/desk")
    def desk() -> Response:
        return _page("desk.html")

    @bp.get("/admin")
    def admin() -> Response:
        return _page("admin.html")

    return bp


def front(inner: Wsgi, headers: Mapping[str, str], begin: Callable[[str], str]) -> Wsgi:
    """``inner`` with /static in front of it, as plain WSGI: a page asks for eighty small files at once.

    ``begin`` starts a request and gives its id.
    """
    always = list(headers.items())

    def application(environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if not path.startswith(STATIC) or method not in ("GET", "HEAD"):
            return inner(environ, start)
        bundle = ASSETS.bundle()
        version, _, name = path.removeprefix(STATIC).partition("/")
        file = bundle.files.get(name)
        if file is None:
            return inner(environ, start)
        keep = FOR_EVER if version == bundle.version else ASK_EACH_TIME
        status, own, body = _answer(file, environ)
        request_id = begin(environ.get("HTTP_X_REQUEST_ID", ""))
        start(
            f"{status.value} {status.phrase}",
            [*own, ("Cache-Control", keep), ("X-Request-ID", request_id), *always],
        )
        return [] if method == "HEAD" else [body]

    return application


def _answer(file: Asset, environ: Environ) -> tuple[HTTPStatus, list[tuple[str, str]], bytes]:
    """Compressed for whoever takes it; 304 for whoever has it."""
    packs = "gzip" in environ.get("HTTP_ACCEPT_ENCODING", "")
    etag = f'"{file.etag}-gzip"' if packs else f'"{file.etag}"'
    headers = [("ETag", etag), ("Vary", "Accept-Encoding")]
    if etag in environ.get("HTTP_IF_NONE_MATCH", ""):
        return HTTPStatus.NOT_MODIFIED, headers, b""
    body = file.packed if packs else file.content
    headers += [
        ("Content-Type", f"{file.mimetype}; charset=utf-8"),
        ("Content-Length", str(len(body))),
    ]
    if packs:
        headers.append(("Content-Encoding", "gzip"))
    return HTTPStatus.OK, headers, body


def _page(name: str) -> Response:
    bundle = ASSETS.bundle()
    text = (WEB / name).read_text("utf-8")
    text = text.replace("{modules}", _preloads(bundle, SCRIPTS[name]))
    text = text.replace("{version}", bundle.version)
    status, headers, body = _answer(Asset(text.encode(), "text/html"), request.environ)
    response = Response(body, status, headers)
    response.headers["Cache-Control"] = ASK_EACH_TIME
    return response


def _preloads(bundle: Bundle, scripts: tuple[str, ...]) -> str:
    names = dict.fromkeys(name for script in scripts for name in bundle.reached(script))
    return "\n".join(
        f'<link rel="modulepreload" href="static/{{version}}/{name}">'
        for name in names
        if name != scripts[0]
    )
