"""One HTTP request with a hard end: at the deadline the connection is cut, whatever it does."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from urllib.parse import urlsplit

ANSWER_MAX_BYTES = 1_048_576
USER_AGENT = "Mozilla/4.0"


class Cut(Exception):
    """The deadline passed before the answer was complete."""


class Unreachable(Exception):
    """No connection, or it broke before an answer."""


def request(
    method: str, url: str, body: bytes | None, content_type: str, deadline_s: float
) -> tuple[int, bytes]:
    """(status, body up to 1 MiB) without following redirects or using a proxy."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=deadline_s)
    cut = _Cutter()
    timer = threading.Timer(deadline_s, cut)
    timer.daemon = True
    timer.start()
    try:
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "Connection": "close"}
        if body is not None:
            headers["Content-Type"] = content_type
        connection.connect()
        cut.peer = connection.sock
        if cut.done:
            raise Cut
        connection.request(method, f"{parts.path or '/'}?{parts.query}", body, headers)
        answer = connection.getresponse()
        data = answer.read(ANSWER_MAX_BYTES)
        if cut.done:
            raise Cut
        return answer.status, data
    except TimeoutError as error:
        raise Cut from error
    except (OSError, http.client.HTTPException) as error:
        raise (Cut if cut.done else Unreachable)() from error
    finally:
        timer.cancel()
        connection.close()


class _Cutter:
    """Ends the exchange from the timer's thread; http.client forgets the socket of an answer
    that ends with the connection, so it is kept here."""

    def __init__(self) -> None:
        self.done = False
        self.peer: socket.socket | None = None

    def __call__(self) -> None:
        self.done = True
        if self.peer is not None:
            with contextlib.suppress(OSError):
                self.peer.shutdown(socket.SHUT_RDWR)
