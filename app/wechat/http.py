"""One bounded HTTP exchange with the platform, and what is known after it.

The exceptions carry no URL, token, secret or body, and no cause that does: the library's own quote them.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import unquote, urlencode

import certifi
from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager, Timeout, make_headers
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProxyError,
    SSLError,
)
from urllib3.util import parse_url

from app.wechat.errors import meaning, reason

CONNECT_S = 1.0
READ_S = 3.0
UPLOAD_READ_S = 10.0
BODY_BYTES_MAX = 10 * 1024 * 1024
CHUNK_BYTES = 65_536
JSON_HEADERS = {"Content-Type": "application/json; charset=utf-8"}
NO_QUERY: Final[Mapping[str, str]] = MappingProxyType({})

_DIGITS = re.compile(r"-?\d{1,9}", re.ASCII)
_SECRETS = re.compile(r"((?:access_token|secret|key)=)[^&\s'\")]+")
_LOGGERS = ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry")


class WeChatFailure(Exception):
    """Base: the call was not accepted, or nobody knows."""


class NotConnected(WeChatFailure):
    """Nothing was sent; safe to try again."""


class OutcomeUnknown(WeChatFailure):
    """Sent, but no trustworthy answer (time-out, 5xx, unreadable): may have taken effect."""


class PlatformRefused(WeChatFailure):
    """The platform answered with an error code; nothing took effect."""

    def __init__(self, errcode: int) -> None:
        found = meaning(errcode)
        super().__init__(f"{found.code} ({errcode})")
        self.errcode = errcode
        self.code = found.code
        self.kind = found.kind

    def reason(self, lang: str = "zh") -> str:
        """The refusal in words."""
        return reason(self.errcode, lang)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; ``content_type`` lower case without parameters."""

    status: int
    content_type: str
    disposition: str
    body: bytes


class _Scrub(logging.Filter):
    """Takes tokens out of urllib3's log lines, which quote whole URLs."""

    def filter(self, record: logging.LogRecord) -> bool:
        line = record.getMessage()
        clean = _SECRETS.sub(r"\1***", line)
        if clean != line:
            record.msg, record.args = clean, ()
        return True


_SCRUB = _Scrub()


def new_http(size: int = 32, proxy: str = "", server_name: str | None = None) -> PoolManager:
    """Kept connections, so many to a host: no retries of its own, no settings from environment or netrc.

    ``proxy`` is ``http://[user:password@]host:port``, "" for none. ``server_name`` is whose certificate is
    asked for where a URL has an address in the place of the name.
    """
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_SCRUB)
    options: dict[str, Any] = {
        "num_pools": 4,
        "maxsize": size,
        "retries": False,
        "ca_certs": certifi.where(),
        "server_hostname": server_name,
    }
    if not proxy:
        return PoolManager(**options)
    login = parse_url(proxy).auth
    headers = make_headers(proxy_basic_auth=unquote(login)) if login else None
    return ProxyManager(proxy, proxy_headers=headers, **options)


def exchange(
    http: PoolManager,
    method: str,
    url: str,
    query: Mapping[str, str] = NO_QUERY,
    read_s: float = READ_S,
    **content: Any,
) -> Answer:
    """One request, no redirects, answer at most 10 MB. Raises NotConnected or OutcomeUnknown.

    ``content`` is ``body`` with ``headers``, or ``fields`` as multipart.
    """
    address = f"{url}?{urlencode(query)}" if query else url
    failure: WeChatFailure
    try:
        with http.request(
            method,
            address,
            timeout=Timeout(connect=CONNECT_S, read=read_s),
            redirect=False,
            preload_content=False,
            **content,
        ) as response:
            return _answer(response, time.monotonic() + read_s)
    except HTTPError as error:
        failure = _translate(error)
    # Raised outside the handler, so that no context with the URL in it hangs on.
    raise failure


def judged(answer: Answer, *, confirmed: bool = False) -> dict[str, Any]:
    """Return the JSON object of an accepted call. Raises PlatformRefused or OutcomeUnknown.

    A call that reads is accepted by what it brings: the platform leaves ``errcode`` out. A call that
    writes and brings nothing else is ``confirmed`` by an ``errcode`` of 0 only.
    """
    if answer.status >= 500 or 300 <= answer.status < 400:
        raise OutcomeUnknown(f"HTTP {answer.status}")
    data = _json_object(answer.body)
    if data is None or (answer.status != 200 and "errcode" not in data):
        raise OutcomeUnknown(f"HTTP {answer.status}, answer not readable")
    errcode = _errcode(data)
    if errcode is None and (confirmed or data.get("errcode") is not None):
        raise OutcomeUnknown("no usable errcode")
    if errcode:
        raise PlatformRefused(errcode)
    return data


def utf8_json(value: Mapping[str, Any]) -> bytes:
    """The platform wants raw UTF-8: ``\\uXXXX`` escapes are refused or shown to customers."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _answer(response: BaseHTTPResponse, deadline: float) -> Answer:
    body = bytearray()
    # read1 comes back with what is there, so that a dripping server cannot outlast the deadline.
    while chunk := response.read1(CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise OutcomeUnknown("answer too large")
        if time.monotonic() > deadline:
            raise OutcomeUnknown("answer too slow")
    return Answer(
        response.status,
        response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
        response.headers.get("Content-Disposition", ""),
        bytes(body),
    )


def _translate(error: HTTPError) -> WeChatFailure:
    name = type(error).__name__
    untrusted = isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)
    if untrusted or isinstance(error, ConnectTimeoutError | NewConnectionError | ProxyError):
        return NotConnected(name)
    return OutcomeUnknown(name)


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _errcode(data: Mapping[str, Any]) -> int | None:
    """Return the code as a number, or None where it is absent or no integer, also not as digits."""
    code = data.get("errcode")
    if isinstance(code, str) and _DIGITS.fullmatch(code):
        return int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) else None
