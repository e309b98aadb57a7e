"""Posts one message to the team's group robot: bounded, retried a few times, never raising."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Final

import structlog

from app.wechat.http import JSON_HEADERS, WeChatFailure, utf8_json
from app.wechat.outbound import Outbound

RETRY_S: Final = (0.5, 2.0)
"""Pauses before the second and the third attempt."""

log = structlog.get_logger()


class Webhook:
    """``url`` holds the robot's key: it stands in no log line."""

    def __init__(
        self, url: str, retry_s: tuple[float, ...] = RETRY_S, outbound: Outbound | None = None
    ) -> None:
        self._url = url
        self._retry_s = retry_s
        self._outbound = outbound or Outbound()

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
            answer = self._outbound.call(
                "POST", self._url, by_operator=True, body=utf8_json(message), headers=JSON_HEADERS
            )
            errcode = answer.status
            if errcode == 200:
                errcode = json.loads(answer.body).get("errcode", 0)
        except WeChatFailure as error:
            return str(error)
        except (ValueError, AttributeError):
            return "unreadable answer"
        return f"errcode {errcode}" if errcode else ""
