"""The address that WeChat's servers call. Nothing is answered that is not stored.

Pushes are answered as plain WSGI in front of Flask (``front``), which saves Flask's dispatch; what is not a
well-addressed POST goes on to Flask, whose route calls the same handler.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote_plus

import structlog
from flask import Blueprint, Response, abort, request
from prometheus_client import Counter

from app.account import Account
from app.conversations import notices as spoken
from app.conversations.arrivals import receive
from app.conversations.meaning import reply_text
from app.metrics.prometheus import CALLBACK_SECONDS, CALLBACKS
from app.metrics.tally import TALLY
from app.node.logs import inform
from app.refusals import HTTP_CODES, INTERNAL, PROBLEM, problem_text
from app.wechat.inbound import (
    SUCCESS,
    BadPush,
    Refused,
    UnknownShape,
    passive_reply,
    read_push,
    verify_url,
)
from app.wechat.xml import MAX_BODY_BYTES
from sessions.model import Inbound, Outcome, SessionError

OPENED: Final = frozenset({"seated", "queued"})

NOBODYS: Final = Outcome("noted")
"""What an event about the account leads to: no customer, no conversation, nothing stored."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a push is answered, whoever carries it over HTTP."""

    status: int
    text: str
    mimetype: str = "text/plain"


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
            return _response(
                Answer(200, verify_url(account.config, request.args, int(time.time())))
            )
        except Refused as refused:
            return _response(_refused(account, 403, refused))

    @bp.post("/wechat/callback")
    @bp.post("/wechat/callback/<appid>")
    def push(appid: str | None = None) -> Response:
        account = find(appid)
        refusal = bad_length(request.content_length)
        return _response(
            refusal or answer_push(account, request.args, request.get_data(cache=False))
        )

    return bp


def bad_length(length: int | None) -> Answer | None:
    """The refusal of a body without a declared length (411) or that is too long (413), unread."""
    if length is None:
        return _failed(411, "Send a Content-Length.")
    return (
        _failed(413, f"A push may have {MAX_BODY_BYTES} bytes.")
        if length > MAX_BODY_BYTES
        else None
    )


def answer_push(account: Account, query: Mapping[str, str], body: bytes) -> Answer:
    """One push from proof to the stored outcome; ``query`` is the URL's. Never raises."""
    started, now_s = time.perf_counter(), int(time.time())
    try:
        inbound = read_push(account.config, query, body, now_s)
        outcome = receive(account, inbound) if inbound.openid else NOBODYS
        answer = _answer(account, inbound, outcome, now_s, query.get("nonce", ""))
    except Refused as refused:
        return _refused(account, 403, refused)
    except UnknownShape as unknown:
        return _unknown(account, unknown)
    except BadPush as bad:
        return _refused(account, 400, bad)
    except SessionError as error:
        # WeChat delivers again what is not answered with 200.
        log.error("push_not_stored", appid=account.appid, error=str(error))
        return _failed(503, "Nothing was stored; deliver again.")
    except Exception:
        log.exception("push_failed", appid=account.appid)
        return _failed(500, "Something went wrong here; deliver again.")
    finally:
        CALLBACK_SECONDS.observe(time.perf_counter() - started)
    _counter("repeated" if outcome.repeated else outcome.result).inc()
    _tally(account, outcome)
    inform(
        "push",
        appid=account.appid,
        kind=inbound.event or inbound.type,
        result=outcome.result,
        repeated=outcome.repeated,
        session_id=outcome.session_id,
    )
    return answer


def _tally(account: Account, outcome: Outcome) -> None:
    TALLY.count(account.appid, "callbacks")
    if outcome.result in OPENED and not outcome.repeated:
        TALLY.count(account.appid, "opened")


def _answer(account: Account, inbound: Inbound, outcome: Outcome, now_s: int, nonce: str) -> Answer:
    """``success``, or the notice of the stored outcome: each delivery gets the same words."""
    text = reply_text(account, outcome)
    if not text:
        return Answer(200, SUCCESS)
    if spoken.speaks(account):
        spoken.tell(account, inbound, outcome, text)
        return Answer(200, SUCCESS)
    return Answer(200, *passive_reply(account.config, inbound, text, now_s, nonce))


def _unknown(account: Account, error: Exception) -> Answer:
    """The platform's own push, though nobody knows its shape: refusals in number make it stop pushing."""
    log.warning("push_unknown", appid=account.appid, reason=str(error))
    _counter("unknown").inc()
    return Answer(200, SUCCESS)


def _refused(account: Account, status: int, error: Exception) -> Answer:
    log.warning("push_refused", appid=account.appid, status=status, reason=str(error))
    return _failed(status, "The push is refused.")


def _failed(status: int, words: str) -> Answer:
    """WeChat reads the status only; the body is for whoever looks for the reason."""
    _counter(str(status)).inc()
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    code = HTTP_CODES.get(status, INTERNAL)
    return Answer(status, problem_text(status, code, words, request_id), PROBLEM)


@cache
def _counter(result: str) -> Counter:
    """Looking a label up takes a lock and four times as long as counting; the results are few."""
    return CALLBACKS.labels(result=result)


def _response(answer: Answer) -> Response:
    return Response(answer.text, answer.status, mimetype=answer.mimetype)


Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Begin = Callable[[str], str]

PATH: Final = "/wechat/callback"
FIELDS_MAX: Final = 32
STATUS: Final = {s.value: f"{s.value} {s.phrase}" for s in HTTPStatus}


def front(
    inner: Wsgi, accounts: Mapping[str, Account], headers: Mapping[str, str], begin: Begin
) -> Wsgi:
    """``inner`` with the short way in front; ``begin`` starts a request and gives its id."""
    paths = {f"{PATH}/{appid}": account for appid, account in accounts.items()}
    if len(accounts) == 1:
        paths[PATH] = next(iter(accounts.values()))
    always = list(headers.items())

    def application(environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        account = paths.get(environ["PATH_INFO"])
        if account is None or environ["REQUEST_METHOD"] != "POST":
            return inner(environ, start)
        request_id = begin(environ.get("HTTP_X_REQUEST_ID", ""))
        answer = _answer_post(account, environ)
        body = answer.text.encode()
        start(
            STATUS[answer.status],
            [
                ("Content-Type", f"{answer.mimetype}; charset=utf-8"),
                ("Content-Length", str(len(body))),
                ("X-Request-ID", request_id),
                *always,
            ],
        )
        return [body]

    return application


def _answer_post(account: Account, environ: Environ) -> Answer:
    length = _length(environ)
    refusal = bad_length(length)
    if refusal is not None:
        return refusal
    body = environ["wsgi.input"].read(length)
    return answer_push(account, _query(environ["QUERY_STRING"]), body)


def _length(environ: Environ) -> int | None:
    """As declared; a chunked body declares none."""
    declared = environ.get("CONTENT_LENGTH", "")
    chunked = "HTTP_TRANSFER_ENCODING" in environ
    return int(declared) if declared.isdecimal() and not chunked else None


def _query(text: str) -> dict[str, str]:
    """The first value of each name, as Flask gives it."""
    pairs = [part.partition("=") for part in text.split("&", FIELDS_MAX)]
    return {name: _plain(value) for name, _, value in reversed(pairs)}


def _plain(value: str) -> str:
    """What the platform sends is hex, digits and letters: decoding it is the rare case."""
    return unquote_plus(value) if "%" in value or "+" in value else value
