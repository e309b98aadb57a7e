"""The phone page, the demo page and their files, under a strict Content-Security-Policy."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, redirect, send_from_directory, url_for
from werkzeug.wrappers import Response as BaseResponse

STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; frame-src 'self'; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'self'"
)


def blueprint() -> Blueprint:
    """/phone, /demo, /sim (to /phone) and /sim/static."""
    bp = Blueprint("sim_pages", __name__)

    @bp.get("/phone")
    def phone() -> Response:
        return send_from_directory(STATIC, "phone.html")

    @bp.get("/demo")
    def demo() -> Response:
        return send_from_directory(STATIC, "demo.html")

    @bp.get("/sim")
    def home() -> BaseResponse:
        return redirect(url_for("sim_pages.phone"))

    @bp.get("/sim/static/<path:name>")
    def static_file(name: str) -> Response:
        return send_from_directory(STATIC, name)

    @bp.after_request
    def headers(answer: Response) -> Response:
        answer.headers["Content-Security-Policy"] = POLICY
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "no-referrer"
        answer.headers["Cache-Control"] = "no-cache"
        return answer

    return bp
