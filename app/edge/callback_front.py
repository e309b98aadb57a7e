"""The short way to the callback: pushes are answered as plain WSGI, before Flask sees them.

Same handler, same answers as the Flask endpoint; what is not a well-addressed POST goes on to Flask.
What it saves is in docs/performance.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote_plus

from app.account import Account
from app.edge.callback import Answer, answer_push, bad_length

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
        answer = _answer(account, environ)
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


def _answer(account: Account, environ: Environ) -> Answer:
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
