"""Token endpoints, quota reset and the callback addresses (wechat-platform 4, 2.3)."""

from __future__ import annotations

import hmac
from typing import Any

from flask import request

from simulator import tokens
from simulator.errors import ApiError
from simulator.gate import Call, Gate, count_quota

CLEARS_PER_MONTH = 10
MONTH_MS = 30 * 86_400_000


def register(gate: Gate) -> None:
    """Put the handlers under their paths."""
    gate.add("/cgi-bin/token", token, "GET", "none", needs_token=False)
    gate.add("/cgi-bin/stable_token", stable_token, needs_token=False)
    gate.add("/cgi-bin/clear_quota", clear_quota)
    gate.add("/cgi-bin/getcallbackip", callback_ip, "GET", "none")
    gate.add("/cgi-bin/get_api_domain_ip", callback_ip, "GET", "none")


def token(call: Call) -> dict[str, Any]:
    """A new token; the previous one lives five minutes more."""
    _authenticate(call, dict(call.args))
    value, seconds = tokens.issue_plain(call.world, call.account)
    return {"access_token": value, "expires_in": seconds}


def stable_token(call: Call) -> dict[str, Any]:
    """The same token until its last five minutes."""
    _authenticate(call, call.body)
    force = call.body.get("force_refresh", False)
    if not isinstance(force, bool):
        raise ApiError(47001)
    value, seconds = tokens.issue_stable(call.world, call.account, force)
    return {"access_token": value, "expires_in": seconds}


def clear_quota(call: Call) -> None:
    """All daily counters back to zero, ten times a month."""
    if call.body.get("appid") != call.account.appid:
        raise ApiError(40013)
    books = call.account.books
    books.cleared = [t for t in books.cleared if t > call.now_ms - MONTH_MS]
    if len(books.cleared) >= CLEARS_PER_MONTH:
        raise ApiError(48006)
    books.cleared.append(call.now_ms)
    books.used = {}


def callback_ip(call: Call) -> dict[str, Any]:
    """Where pushes come from: this machine."""
    return {"ip_list": ["127.0.0.1"]}


def _authenticate(call: Call, given: dict[str, Any]) -> None:
    if given.get("grant_type") != "client_credential":
        raise ApiError(40002)
    appid, secret = given.get("appid"), given.get("secret")
    if not isinstance(appid, str) or not appid:
        raise ApiError(41002)
    if not isinstance(secret, str) or not secret:
        raise ApiError(41004)
    account = call.world.accounts.get(appid)
    if account is None:
        raise ApiError(40013)
    allowed, peer = account.settings.ip_whitelist, request.remote_addr or ""
    if allowed and peer not in allowed:
        raise ApiError(40164, f"invalid ip {peer} ipv6 ::ffff:{peer}, not in whitelist")
    if not hmac.compare_digest(account.settings.secret.encode(), secret.encode()):
        raise ApiError(40125)
    call.known = account
    count_quota(call.world, account, call.path)
