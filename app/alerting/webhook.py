"""Posts one message to the team's group robot: bounded, retried a few times, never raising."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import requests
import structlog

CONNECT_S: Final = 2.0
READ_S: Final = 3.0
RETRY_S: Final = (0.5, 2.0)
"""Pauses before the second and the third attempt."""

log = structlog.get_logger()


class Webhook:
    """``url`` holds the robot's key: it stands in no log line."""

    def __init__(self, url: str, retry_s: tuple[float, ...] = RETRY_S) -> None:
        self._url = url
        self._retry_s = retry_s
        self._session = requests.Session()
        self._session.trust_env = False

    def post(self, message: Mapping[str, Any]) -> bool:
        """Whether the robot took it."""
        why = ""
        for pause in (*self._retry_s, None):
            why = self._once(message)
            if not why:
                return True
            if pause is not None:
                time.sleep(pause)
        log.warning("alert_not_sent", reason=why)
        return False

    def _once(self, message: Mapping[str, Any]) -> str:
        """ "" when it was taken, else why not."""
        try:
            answer = self._session.post(
                self._url, json=message, timeout=(CONNECT_S, READ_S), allow_redirects=False
            )
            errcode = answer.json().get("errcode", 0) if answer.ok else answer.status_code
        except requests.RequestException as error:
            return type(error).__name__
        except (ValueError, AttributeError):
            return "unreadable answer"
        return f"errcode {errcode}" if errcode else ""
