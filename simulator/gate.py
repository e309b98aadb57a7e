"""What every platform call passes: fault, method, token, quota, body; then its handler."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, jsonify, make_response, request
from werkzeug.exceptions import RequestEntityTooLarge

from simulator import tokens
from simulator.errors import ApiError, error_body
from simulator.faults import Fault, Faults, RequestLog
from simulator.state import Account, Follower, World

HTML_ERROR = "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"
DAY_MS = 86_400_000
BEIJING_MS = 8 * 3_600_000
HIDDEN = {"secret", "access_token", "password"}
# A \uXXXX above ASCII reaches the user letter by letter, so its backslash is doubled first.
ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\u(?!00[0-7])(?=[0-9a-fA-F]{4})")
QUOTAS: dict[str, int] = {
    "/cgi-bin/token": 2000,
    "/cgi-bin/stable_token": 500_000,
    "/cgi-bin/message/custom/send": 500_000,
    "/cgi-bin/media/upload": 100_000,
    "/cgi-bin/media/get": 200_000,
    "/cgi-bin/user/info": 5_000_000,
    "/cgi-bin/user/info/updateremark": 10_000,
    "/cgi-bin/user/get": 500,
}


@dataclass(slots=True)
class Call:
    """One platform call on its way to a handler; ``account`` is set once the caller is known."""

    world: World
    path: str
    args: dict[str, str]
    raw: bytes = b""
    body: dict[str, Any] = field(default_factory=dict)
    known: Account | None = None

    @property
    def account(self) -> Account:
        if self.known is None:
            raise ApiError(41001)
        return self.known

    @property
    def now_ms(self) -> int:
        return self.world.clock.now_ms()

    def follower(self, name: str = "openid", source: dict[str, Any] | None = None) -> Follower:
        """The customer named in the body (or ``source``); 40003 when unknown here."""
        openid = (self.body if source is None else source).get(name)
        found = self.account.followers.get(openid) if isinstance(openid, str) else None
        if found is None:
            raise ApiError(40003)
        return found


Handler = Callable[[Call], "dict[str, Any] | Response | None"]


class Gate:
    """Registers handlers under the platform's paths."""

    def __init__(self, app: Flask, world: World, faults: Faults, log: RequestLog) -> None:
        self.app = app
        self.world = world
        self.faults = faults
        self.log = log

    def add(
        self,
        path: str,
        handler: Handler,
        method: str = "POST",
        body: str = "json",
        needs_token: bool = True,
    ) -> None:
        """``method`` GET, POST or ANY; ``body`` json, files or none."""

        def view() -> Response:
            return self._serve(path, handler, method, body, needs_token)

        self.app.add_url_rule(
            path, endpoint=path, view_func=view, methods=["GET", "POST", "PUT", "DELETE"]
        )

    def _serve(
        self, path: str, handler: Handler, method: str, body: str, needs_token: bool
    ) -> Response:
        try:
            raw = _read(body)
        except RequestEntityTooLarge:
            return jsonify(error_body(45001))
        call = Call(self.world, path, request.args.to_dict(), raw)
        seen = _parse(raw)
        self._identify(call, seen)
        fault = self.faults.take(
            path, call.known.appid if call.known else "", str(seen.get("touser", ""))
        )
        if fault is not None and fault.latency_ms:
            time.sleep(fault.latency_ms / 1000)
        answer = None
        if fault is None or fault.delivers:
            answer = self._answer(call, handler, method, body, needs_token)
        final = answer if fault is None else _spoil(fault, answer)
        self._record(call, seen, answer, final, fault)
        if fault is not None and fault.drop:
            _never_answer(fault)
        if final is None:
            raise RuntimeError("a fault without an answer")
        return final

    def _identify(self, call: Call, seen: dict[str, Any]) -> None:
        appid = call.args.get("appid") or seen.get("appid")
        if isinstance(appid, str) and appid:
            call.known = self.world.account(appid)
        value = call.args.get("access_token")
        if value:
            with self.world.lock:
                for account in self.world.accounts.values():
                    if any(t.value == value for t in account.books.tokens):
                        call.known = account

    def _answer(
        self, call: Call, handler: Handler, method: str, body: str, needs_token: bool
    ) -> Response:
        try:
            with self.world.lock:
                self._admit(call, method, body, needs_token)
                result = handler(call)
        except ApiError as error:
            return jsonify(error_body(error.errcode, error.detail))
        if isinstance(result, Response):
            return result
        return jsonify(error_body(0) if result is None else result)

    def _admit(self, call: Call, method: str, body: str, needs_token: bool) -> None:
        if method != "ANY" and request.method != method:
            raise ApiError(43002 if method == "POST" else 43001)
        if needs_token:
            call.known = tokens.owner(self.world, call.args.get("access_token"))
            count_quota(self.world, call.account, call.path)
        if body == "json" and request.method == "POST":
            if not call.raw.strip():
                raise ApiError(44002)
            parsed = _parse(call.raw)
            if not parsed and call.raw.strip() != b"{}":
                raise ApiError(47001)
            call.body = parsed

    def _record(
        self,
        call: Call,
        seen: dict[str, Any],
        answer: Response | None,
        final: Response | None,
        fault: Fault | None,
    ) -> None:
        dropped = fault is not None and bool(fault.drop)
        self.log.add(
            {
                "time_ms": call.now_ms,
                "method": request.method,
                "path": call.path,
                "appid": call.known.appid if call.known else "",
                "args": {k: v for k, v in call.args.items() if k not in HIDDEN},
                "body": {k: v for k, v in seen.items() if k not in HIDDEN},
                "handled": answer is not None,
                "errcode": _errcode(final),
                "status": None if dropped or final is None else final.status_code,
                "fault": fault is not None,
            }
        )


def count_quota(world: World, account: Account, path: str) -> None:
    """45009 when the path's daily number is used up; days are Beijing's."""
    books = account.books
    day = (world.clock.now_ms() + BEIJING_MS) // DAY_MS
    if books.used_day != day:
        books.used_day, books.used = day, {}
    limit = {**QUOTAS, **world.config.quotas}.get(path)
    if limit is not None and books.used.get(path, 0) >= limit:
        raise ApiError(45009)
    books.used[path] = books.used.get(path, 0) + 1


def _read(body: str) -> bytes:
    """The raw body; multipart is parsed at once, so that a fault never leaves it unread."""
    if body == "files":
        len(request.files)
        return b""
    return request.get_data()


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(ESCAPE.sub(rb"\1\\\\u", raw).decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _errcode(answer: Response | None) -> int | None:
    if answer is None or not answer.is_json:
        return None
    try:
        parsed = json.loads(answer.get_data())
    except ValueError:
        return None
    return parsed.get("errcode", 0) if isinstance(parsed, dict) else None


def _spoil(fault: Fault, answer: Response | None) -> Response | None:
    if fault.html:
        return make_response(HTML_ERROR, fault.http_status or 200, {"Content-Type": "text/html"})
    if fault.empty:
        return make_response("", fault.http_status or 200)
    if fault.errcode is not None:
        body = error_body(fault.errcode, fault.errmsg)
        return make_response(jsonify(body), fault.http_status or 200)
    if fault.http_status is not None:
        return make_response(HTML_ERROR, fault.http_status, {"Content-Type": "text/html"})
    if fault.truncate and answer is not None:
        data = answer.get_data()
        return make_response(data[: len(data) // 2], 200, {"Content-Type": "application/json"})
    return answer


def _never_answer(fault: Fault) -> None:
    if fault.drop != "close":
        time.sleep(fault.hold_ms / 1000)
    peer = request.environ.get("werkzeug.socket") or request.environ.get("gunicorn.socket")
    if isinstance(peer, socket.socket):
        peer.shutdown(socket.SHUT_RDWR)
