"""Send a text to a customer outside any conversation, once, after the callback's answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from app.delivery.quota import QuotaHold
from app.wechat.api import WeChatApi, WeChatFailure

log = structlog.get_logger()


def greeter(
    api: WeChatApi, pool: ThreadPoolExecutor, hold: QuotaHold
) -> Callable[[str, str], object]:
    """Return what ``Account.greet`` calls; it returns at once and never raises."""

    def send(openid: str, text: str) -> None:
        if hold.is_on():
            log.info("greeting_not_sent", appid=api.appid, error="the day's quota is used up")
            return
        try:
            with hold.watched():
                api.send_custom(openid, {"msgtype": "text", "text": {"content": text}})
        except WeChatFailure as failure:
            log.info("greeting_not_sent", appid=api.appid, error=str(failure))

    def greet(openid: str, text: str) -> None:
        try:
            pool.submit(send, openid, text)
        except RuntimeError:
            log.info("greeting_not_sent", appid=api.appid, error="the node is stopping")

    return greet
