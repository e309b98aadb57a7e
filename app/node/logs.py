"""Structured logs: JSON lines on stderr with the request id; secrets and bodies never reach them.

Informative lines are written in batches, ten times a second: a write of its own costs a push a fifth of
its time, as it gives the interpreter away and waits to get it back. Warnings and errors are written at
once, after all lines before them.
"""

from __future__ import annotations

import atexit
import json
import logging
import re
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import structlog

from sessions.idents import fresh_ident

FLUSH_S: Final = 0.1
"""Seconds between two writes: what a kill -9 may lose of the informative lines."""


class LogLines:
    """A logger for structlog; its methods take finished lines, from any thread.

    ``informs`` is False where the log level leaves informative lines out.
    """

    def __init__(self) -> None:
        self.informs = True
        self._pending: deque[str] = deque()
        self._writing = threading.Lock()
        self._started = False

    def start(self) -> None:
        """Start the thread that writes pending lines. A second call does nothing."""
        if self._started:
            return
        self._started = True
        atexit.register(self.flush)
        threading.Thread(target=self._run, name="log-lines", daemon=True).start()

    def info(self, line: str) -> None:
        self._pending.append(line)
        if not self._started:
            self.flush()

    debug = info

    def warning(self, line: str) -> None:
        self._pending.append(line)
        self.flush()

    error = critical = exception = warning

    def flush(self) -> None:
        """Write all pending lines; they are with the operating system when this returns."""
        with self._writing:
            lines = [self._pending.popleft() for _ in range(len(self._pending))]
            if lines:
                sys.stderr.write("\n".join(lines) + "\n")
                sys.stderr.flush()

    def _run(self) -> None:
        while True:
            time.sleep(FLUSH_S)
            self.flush()


LINES: Final = LogLines()


REDACTED: Final = "[redacted]"
FORBIDDEN: Final = frozenset(
    {"password", "token", "access_token", "secret", "app_secret", "text", "body", "content"}
)
"""Fields that are never written, whoever passes them."""

QUIET: Final = ("urllib3", "kazoo", "apscheduler", "alembic", "werkzeug", "gunicorn.error")

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}")

_PLAIN: Final = orjson.OPT_UTC_Z | orjson.OPT_PASSTHROUGH_DATACLASS


def configure(level: str) -> None:
    """Set up structlog and the standard library's logging for this process."""
    number = logging.getLevelNamesMapping()[level.upper()]
    LINES.informs = number <= logging.INFO
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _redact,
    ]
    structlog.configure(
        processors=[
            *shared,
            _trace,
            structlog.processors.JSONRenderer(serializer=_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: LINES,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _trace,
                structlog.processors.JSONRenderer(serializer=_line),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.INFO), force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def begin(given: str) -> str:
    """Return the request id bound to the log lines: the caller's if it is well formed, else a new one."""
    request_id = given if given and REQUEST_ID.fullmatch(given) else fresh_ident()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return request_id


def inform(event: str, **fields: Any) -> None:
    """Write the line of ``log.info`` without its chain of processors, for what is logged with each push."""
    if not LINES.informs:
        return
    fields |= structlog.contextvars.get_contextvars()
    fields |= {"event": event, "level": "info", "timestamp": datetime.now(UTC)}
    LINES.info(_line(_redact(None, "info", fields)))


def _line(event: Any, **_: Any) -> str:
    try:
        return orjson.dumps(event, default=repr, option=_PLAIN).decode()
    except TypeError:
        # Half a character, a number of 20 digits: whatever it is, it must not be lost.
        return json.dumps(event, default=repr, separators=(",", ":"))


def _redact(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> Mapping[str, Any] | str | bytes:
    for name in FORBIDDEN & event.keys():
        event[name] = REDACTED
    return event


def _trace(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> Mapping[str, Any] | str | bytes:
    """Put the types of the errors and their places into the line; their texts may quote a customer."""
    given = event.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else given
    if error is True:
        error = sys.exc_info()[1]
    parts: list[str] = []
    while isinstance(error, BaseException):
        parts = [*traceback.format_tb(error.__traceback__), type(error).__qualname__, *parts]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if parts:
        event["exception"] = "\n".join(part.rstrip() for part in parts)
    return event
