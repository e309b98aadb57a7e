"""Structured logs: JSON lines on stderr with the request id; secrets and bodies never reach them."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import structlog

from app.node.log_lines import LINES
from sessions.idents import fresh_ident

REDACTED: Final = "[redacted]"
FORBIDDEN: Final = frozenset(
    {"password", "token", "access_token", "secret", "app_secret", "text", "body", "content"}
)
"""Fields that are never written, whoever passes them."""

QUIET: Final = ("urllib3", "kazoo", "apscheduler", "alembic", "werkzeug", "gunicorn.error")

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}")

_PLAIN: Final = orjson.OPT_UTC_Z | orjson.OPT_PASSTHROUGH_DATACLASS


def configure(level: str) -> None:
    """Sets up structlog and the standard library's logging for this process."""
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
    """The line that ``log.info`` writes, without its chain of processors: for what is said with each push."""
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
    """Kinds of the errors and where they came from; their texts may quote what a customer wrote."""
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
