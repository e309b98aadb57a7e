"""The desk and the console: static modules, served so that a browser never runs two versions at once.

A page names its files under ``/static/<version>/``, the hash of all of them; relative imports stay below it,
so they may be kept for ever. Under another version a file is asked for again each time.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, abort, redirect, send_from_directory
from werkzeug.wrappers import Response as BaseResponse

WEB: Final = Path(__file__).parent / "web"
VERSION_CHARS: Final = 16
A_YEAR_S: Final = 31_536_000
TYPES: Final = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
"""What is served at all; the system's own table of types differs between machines."""

Stamp = tuple[tuple[str, int, int], ...]


def blueprint() -> Blueprint:
    """/, /desk, /admin and /static."""
    bp = Blueprint("pages", __name__)

    @bp.get("/")
    def home() -> BaseResponse:
        return redirect("/desk")

    @bp.get("/desk")
    def desk() -> Response:
        return _page("desk.html")

    @bp.get("/admin")
    def admin() -> Response:
        return _page("admin.html")

    @bp.get("/static/<version>/<path:name>")
    def static_file(version: str, name: str) -> Response:
        kind = TYPES.get(Path(name).suffix)
        if kind is None:
            abort(404)
        response = send_from_directory(WEB, name, mimetype=kind)
        if version == version_of(_stamp()):
            response.cache_control.no_cache = None
            response.cache_control.public = True
            response.cache_control.immutable = True
            response.cache_control.max_age = A_YEAR_S
        return response

    return bp


def _page(name: str) -> Response:
    text = (WEB / name).read_text("utf-8").replace("{version}", version_of(_stamp()))
    response = Response(text, mimetype="text/html")
    response.cache_control.no_cache = True
    response.add_etag()
    return response


def _stamp() -> Stamp:
    """What tells, without reading the files, that one of them changed."""
    found = (path for path in sorted(WEB.rglob("*")) if path.suffix in TYPES)
    stats = ((path.relative_to(WEB).as_posix(), path.stat()) for path in found)
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


@lru_cache(maxsize=4)
def version_of(stamp: Stamp) -> str:
    """The hash of the files' content, so that all nodes of one release agree on it."""
    digest = hashlib.sha256()
    for name, _, _ in stamp:
        content = (WEB / name).read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:VERSION_CHARS]
