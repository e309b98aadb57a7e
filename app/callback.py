"""Where WeChat's servers call: URL verification and pushes. Nothing is answered that is not stored."""

from __future__ import annotations

import time
from collections.abc import Mapping

import structlog
from flask import Blueprint, Response, abort, request

from app.account import Account
from app.conversations import spoken
from app.conversations.arrivals import receive
from app.conversations.words import reply_text
from app.metrics import CALLBACK_SECONDS, CALLBACKS
from app.wechat_in import SUCCESS, BadPush, Refused, passive_reply, read_push, verify_url
from app.wechat_xml import MAX_BODY_BYTES
from sessions.model import Inbound, Outcome, SessionError

log = structlog.get_logger()


def blueprint(accounts: Mapping[str, Account]) -> Blueprint:
    """The routes ``/wechat/callback/<appid>`` and, for the only account, ``/wechat/callback``."""
    bp = Blueprint("callback", __name__)

    def find(appid: str | None) -> Account:
        if appid is None and len(accounts) == 1:
            return next(iter(accounts.values()))
        account = accounts.get(appid or "")
        if account is None:
            abort(404)
        return account

    @bp.get("/wechat/callback")
    @bp.get("/wechat/callback/<appid>")
    def verify(appid: str | None = None) -> Response:
        account = find(appid)
        try:
            echo = verify_url(account.config, request.args, int(time.time()))
        except Refused as refused:
            return _refused(account, 403, refused)
        return _text(echo)

    @bp.post("/wechat/callback")
    @bp.post("/wechat/callback/<appid>")
    def push(appid: str | None = None) -> Response:
        account = find(appid)
        started = time.perf_counter()
        response = _push(account)
        CALLBACK_SECONDS.observe(time.perf_counter() - started)
        return response

    return bp


def _push(account: Account) -> Response:
    if request.content_length is None:
        return _status(account, 411, "no Content-Length")
    if request.content_length > MAX_BODY_BYTES:
        return _status(account, 413, "too long")
    now_s = int(time.time())
    try:
        inbound = read_push(account.config, request.args, request.get_data(cache=False), now_s)
        outcome = receive(account, inbound)
        response = _answer(account, inbound, outcome, now_s)
    except Refused as refused:
        return _refused(account, 403, refused)
    except BadPush as bad:
        return _refused(account, 400, bad)
    except SessionError as error:
        # WeChat delivers again what is not answered with 200.
        log.error("push_not_stored", appid=account.appid, error=str(error))
        return _status(account, 503, "try again")
    CALLBACKS.labels(result="repeated" if outcome.repeated else outcome.result).inc()
    log.info(
        "push",
        appid=account.appid,
        kind=inbound.event or inbound.type,
        result=outcome.result,
        repeated=outcome.repeated,
        session_id=outcome.session_id,
    )
    return response


def _answer(account: Account, inbound: Inbound, outcome: Outcome, now_s: int) -> Response:
    """``success``, or the notice of the stored outcome: each delivery gets the same words."""
    text = reply_text(account, outcome)
    if not text:
        return _text(SUCCESS)
    if spoken.speaks(account):
        spoken.tell(account, inbound, outcome, text)
        return _text(SUCCESS)
    nonce = request.args.get("nonce", "")
    body, mimetype = passive_reply(account.config, inbound, text, now_s, nonce)
    return Response(body, mimetype=mimetype)


def _refused(account: Account, status: int, error: Exception) -> Response:
    log.warning("push_refused", appid=account.appid, status=status, reason=str(error))
    return _status(account, status, "refused")


def _status(account: Account, status: int, words: str) -> Response:
    CALLBACKS.labels(result=str(status)).inc()
    return Response(words, status, mimetype="text/plain")


def _text(words: str) -> Response:
    return Response(words, mimetype="text/plain")
