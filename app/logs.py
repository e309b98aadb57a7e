"""Structured logs: JSON lines on stderr with the request id; secrets and bodies never reach them."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog

from app.log_lines import LINES

REDACTED: Final = "[redacted]"
FORBIDDEN: Final = frozenset(
    {"password", "token", "access_token", "secret", "app_secret", "text", "body", "content"}
)
"""Fields that are never written, whoever passes them."""

QUIET: Final = ("urllib3", "kazoo", "apscheduler", "alembic", "werkzeug", "gunicorn.error")


_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, default=repr).encode
"""Made once: json.dumps makes an encoder a line where the text is not to be ASCII."""


def configure(level: str) -> None:
    """Sets up structlog and the standard library's logging for this process."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _redact,
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
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
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(serializer=_line),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.INFO), force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _line(event: Any, **_: Any) -> str:
    return _ENCODE(event)


def _redact(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> Mapping[str, Any] | str | bytes:
    for name in FORBIDDEN & event.keys():
        event[name] = REDACTED
    return event
